//go:build linux

package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Health is how long a server's health checks took, and meanwhile those of a trivial
// server.
type Health struct {
	Livez Latency `json:"livez"`
	Noise Latency `json:"noise"`
}

// A watch is a process that checks a server's health: command livez.
type watch struct {
	cmd    *exec.Cmd
	end    io.Closer // its standard input
	cancel context.CancelFunc
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// watchTimeout is longer than the last check may take.
const watchTimeout = livezTimeout + 5*time.Second

// startWatch starts the binary of command livez before everybody else on the machine
// (nice(1), which only root may), as a check that waits for its turn measures nothing.
// Without a binary nothing is checked: on an emulated processor it would say nothing.
func startWatch(ctx context.Context, binary, url string) (*watch, error) {
	if binary == "" {
		return nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cmd: exec.CommandContext(ctx, "nice", "-n", "-20", binary, url), cancel: cancel}
	w.cmd.Stdout, w.cmd.Stderr = &w.stdout, &w.stderr
	var err error
	if w.end, err = w.cmd.StdinPipe(); err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("livez: %w", err)
	}
	return w, nil
}

// stop ends the checks and returns what they measured. It is called once.
func (w *watch) stop() (h Health, err error) {
	if w == nil {
		return h, nil
	}
	defer w.cancel()
	late := time.AfterFunc(watchTimeout, w.cancel)
	defer late.Stop()
	err = errors.Join(w.end.Close(), w.cmd.Wait())
	if err == nil {
		err = json.Unmarshal(w.stdout.Bytes(), &h)
	}
	if err != nil {
		err = fmt.Errorf("livez: %w: %s", err, strings.TrimSpace(w.stderr.String()))
	}
	return h, err
}
