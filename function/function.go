package function

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"codecell/function/telemetry"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

// A generated main imports this package for its side effects alone. (A process that
// the sandbox has started does not come here: see package launch.)
func init() { functions.HTTP("Execute", Execute) }

// process is the Service of this process: memory and slots are the container's,
// so there can be only one.
var process struct {
	mu      sync.Mutex
	service *Service
}

// Load builds the Service of this process from the environment, with a warm
// interpreter, and makes it the one behind Execute. A main calls it before it
// listens; further calls return the same Service.
func Load(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Service, error) {
	process.mu.Lock()
	defer process.mu.Unlock()
	if process.service != nil {
		return process.service, nil
	}
	s, err := load(ctx, getenv, log)
	if err != nil {
		return nil, err
	}
	process.service = s
	return s, nil
}

func load(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Service, error) {
	cfg, err := ParseConfig(getenv)
	if err != nil {
		return nil, err
	}
	seen, err := telemetry.Start(ctx, cfg.Telemetry, log) // before the sandbox weighs the server
	if err != nil {
		return nil, err
	}
	box, err := cfg.newSandbox(ctx, log)
	if err != nil {
		return nil, errors.Join(err, seen.Shutdown(ctx))
	}
	reportLayers(box.Layers(), log)
	s, err := newService(cfg, box, log)
	if err == nil {
		err = s.observe(seen)
	}
	if err != nil {
		_ = box.Close() // the error to report is the one that made this necessary
		return nil, errors.Join(err, seen.Shutdown(ctx))
	}
	return s, nil
}

// Execute is the HTTP function: every route of the service. Under a main that
// has not called Load the first request does, and waits for it.
func Execute(w http.ResponseWriter, r *http.Request) {
	log := slog.Default()
	s, err := Load(context.WithoutCancel(r.Context()), os.Getenv, log)
	if err != nil {
		x := newExchange(w, r, log)
		defer x.end()
		x.finish(x.refuse(err))
		return
	}
	s.ServeHTTP(w, r)
}
