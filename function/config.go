package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"time"

	"codecell/function/telemetry"
	"codecell/sandbox"

	"github.com/caarlos0/env/v11"
)

// Config is what the environment says, within its bounds. doc.go has the table.
type Config struct {
	Port           int
	Loopback       bool // listen on 127.0.0.1 alone, and answer to its names alone
	MaxConnections int
	DrainTimeout   time.Duration
	LogLevel       slog.Level

	Profile        string // a name, or the path of a YAML file
	MaxConcurrency int    // runs at once, or sandbox.Auto
	MaxWait        time.Duration
	MemoryLimit    int64    // bytes; 0: measured
	MemoryReserve  int64    // bytes; 0: measured
	Require        []string // nil: what the profile needs
	Python         string   // empty: found
	TokensFile     string   // empty: no tokens
	Workspace      string   // empty: workspaces are mounted

	Telemetry telemetry.Config
}

// environment is Config as it is written in the environment. A variable that is
// empty counts as not set.
type environment struct {
	Port           port        `env:"PORT" envDefault:"8080"`
	LocalOnly      string      `env:"LOCAL_ONLY"`
	MaxConnections connections `env:"SANDBOX_MAX_CONNECTIONS" envDefault:"128"`
	DrainTimeout   drainTime   `env:"SANDBOX_DRAIN_TIMEOUT" envDefault:"8s"`
	LogLevel       level       `env:"SANDBOX_LOG_LEVEL" envDefault:"info"`
	Profile        string      `env:"SANDBOX_PROFILE" envDefault:"minimal"`
	MaxConcurrency slots       `env:"SANDBOX_MAX_CONCURRENCY" envDefault:"1"`
	MaxWait        waitTime    `env:"SANDBOX_MAX_WAIT" envDefault:"0s"`
	MemoryLimit    size        `env:"SANDBOX_MEMORY_LIMIT"`
	MemoryReserve  size        `env:"SANDBOX_MEMORY_RESERVE"`
	Require        names       `env:"SANDBOX_REQUIRE"`
	Python         string      `env:"SANDBOX_PYTHON"`
	TokensFile     string      `env:"SANDBOX_TOKENS_FILE"`
	Workspace      string      `env:"SANDBOX_WORKSPACE"`
}

// ParseConfig reads the variables that Config has, through getenv and nothing
// else. The error names every variable with a bad value, the value, and what
// is allowed, one a line.
func ParseConfig(getenv func(string) string) (Config, error) {
	var raw environment
	params, err := env.GetFieldParams(&raw)
	if err != nil {
		return Config{}, fmt.Errorf("environment: %w", err)
	}
	values := make(map[string]string)
	for _, p := range params {
		if v := getenv(p.Key); v != "" {
			values[p.Key] = v
		}
	}
	err = env.ParseWithOptions(&raw, env.Options{Environment: values})
	if err != nil {
		err = badValues(err, values)
	}
	exporters, bad := telemetry.ParseConfig(getenv)
	if err := errors.Join(err, bad); err != nil {
		return Config{}, err
	}
	return Config{
		Port:           int(raw.Port),
		Loopback:       raw.LocalOnly == "true", // as funcframework's own main reads it
		MaxConnections: int(raw.MaxConnections),
		DrainTimeout:   time.Duration(raw.DrainTimeout),
		LogLevel:       slog.Level(raw.LogLevel),
		Profile:        raw.Profile,
		MaxConcurrency: int(raw.MaxConcurrency),
		MaxWait:        time.Duration(raw.MaxWait),
		MemoryLimit:    int64(raw.MemoryLimit),
		MemoryReserve:  int64(raw.MemoryReserve),
		Require:        raw.Require,
		Python:         raw.Python,
		TokensFile:     raw.TokensFile,
		Workspace:      raw.Workspace,
		Telemetry:      exporters,
	}, nil
}

// badValues says of each field that env could not parse which variable it was.
func badValues(err error, values map[string]string) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("environment: %w", err)
	}
	var bad []error
	for _, one := range all.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			bad = append(bad, fmt.Errorf("environment: %w", one))
			continue
		}
		name := parse.Name
		if field, ok := reflect.TypeFor[environment]().FieldByName(parse.Name); ok {
			name = field.Tag.Get("env")
		}
		bad = append(bad, fmt.Errorf("%s=%q: %w", name, values[name], parse.Err))
	}
	return errors.Join(bad...)
}

// SandboxConfig is what the sandbox needs of c, with the profile loaded.
func (c Config) SandboxConfig(log *slog.Logger) (sandbox.Config, error) {
	profile, err := sandbox.LoadProfile(c.Profile)
	if err != nil {
		return sandbox.Config{}, fmt.Errorf("SANDBOX_PROFILE=%q: %w", c.Profile, err)
	}
	return sandbox.Config{
		Profile:       profile,
		Slots:         c.MaxConcurrency,
		Python:        c.Python,
		MemoryLimit:   c.MemoryLimit,
		MemoryReserve: c.MemoryReserve,
		Doors:         c.doors(profile.Workspace > 0),
		Workspace:     c.Workspace,
		Require:       c.Require,
		Log:           log,
	}, nil
}

// newSandbox starts the sandbox that c describes.
func (c Config) newSandbox(ctx context.Context, log *slog.Logger) (*sandbox.Sandbox, error) {
	cfg, err := c.SandboxConfig(log)
	if err != nil {
		return nil, err
	}
	return sandbox.New(ctx, cfg)
}

// The types of environment hold the bounds. Each error says what is allowed.

type port int

func (p *port) UnmarshalText(text []byte) error {
	return parseInt(text, (*int)(p), 0, 65535, "a port from 0 (any free one) to 65535")
}

// connections has room for the probes beside the callers, and an upper bound
// because each connection is paid for in the reserve.
type connections int

func (c *connections) UnmarshalText(text []byte) error {
	return parseInt(text, (*int)(c), 8, 4096, "a whole number from 8 to 4096")
}

type slots int

func (s *slots) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*s = sandbox.Auto
		return nil
	}
	return parseInt(text, (*int)(s), 1, 1024, "a whole number from 1 to 1024, or auto for as many as fit")
}

func parseInt(text []byte, n *int, least, most int, allowed string) error {
	v, err := strconv.Atoi(string(text))
	if err != nil || v < least || v > most {
		return errors.New("want " + allowed)
	}
	*n = v
	return nil
}

type drainTime time.Duration

func (d *drainTime) UnmarshalText(text []byte) error {
	return parseDuration(text, (*time.Duration)(d))
}

type waitTime time.Duration

func (w *waitTime) UnmarshalText(text []byte) error {
	return parseDuration(text, (*time.Duration)(w))
}

func parseDuration(text []byte, d *time.Duration) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 || v > time.Hour {
		return errors.New("want a duration from 0s to 1h, for example 500ms or 30s")
	}
	*d = v
	return nil
}

type level slog.Level

func (l *level) UnmarshalText(text []byte) error {
	for _, known := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(string(text), known.String()) {
			*l = level(known)
			return nil
		}
	}
	return errors.New("want debug, info, warn or error")
}

// size is an amount of memory in bytes. To say "measure" leave the variable out.
type size int64

func (s *size) UnmarshalText(text []byte) error {
	v, err := sandbox.ParseSize(string(text))
	if err == nil && v == 0 {
		err = errors.New("want more than 0 bytes, for example 704Mi")
	}
	*s = size(v)
	return err
}

type names []string

func (n *names) UnmarshalText(text []byte) error {
	for name := range strings.SplitSeq(string(text), ",") {
		if name = strings.TrimSpace(name); name == "" {
			return errors.New("want names of isolation layers with a comma between them, as GET /profile shows them")
		}
		*n = append(*n, name)
	}
	return nil
}
