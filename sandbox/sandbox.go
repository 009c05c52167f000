package sandbox

import (
	"context"
	"errors"
	"log/slog"
)

// Config is what New needs to know. The zero value of a field means the default
// named beside it.
type Config struct {
	Profile *Profile // required; see LoadProfile
	// Slots is how many runs may be in flight at once; Auto means as many as fit.
	Slots int
	// Python is the interpreter to use; empty means find one (see FindPython).
	Python string
	// MemoryLimit and MemoryReserve, in bytes, override what is measured; 0 means measure.
	MemoryLimit, MemoryReserve int64
	// Doors is what the caller may hold in memory on behalf of its clients.
	Doors Doors
	// Require names layers without which New must fail; nil means the profile's.
	Require []string
	Log     *slog.Logger // nil means slog.Default()
}

// Auto as Config.Slots takes as many slots as fit the budget.
const Auto = -1

// Sandbox runs programs. Its methods are safe for concurrent use.
type Sandbox struct{}

// Runtime names what runs the programs.
type Runtime struct {
	Language string `json:"language"` // "python"
	Version  string `json:"version"`  // for example "3.11.2"
}

// New probes the machine, refuses what can't be safe, and returns with a warm zygote.
func New(ctx context.Context, cfg Config) (*Sandbox, error) { return nil, errors.New("not yet") }

// Run runs one program and returns when its process is reaped and its memory is
// back. The caller holds a reservation for it (Weight) until then.
//
// Errors: *PolicyError, ErrNotReady, ErrRunLost, ErrClosed, *SetupError, or
// context.Cause(ctx) when ctx ended first; the run is then already killed and reaped.
func (s *Sandbox) Run(ctx context.Context, job Job) (Result, error) { return Result{}, nil }

// Ready returns nil when a warm zygote waits for work, else the reason as an
// error fit for a caller to read.
func (s *Sandbox) Ready() error { return nil }

// Profile returns the profile in force.
func (s *Sandbox) Profile() *Profile { return nil }

// Budget returns the arithmetic that was settled at start-up.
func (s *Sandbox) Budget() Budget { return Budget{} }

// Layers returns the isolation layers as they were found at start-up.
func (s *Sandbox) Layers() []Layer { return nil }

// Runtime returns the interpreter's language and version.
func (s *Sandbox) Runtime() Runtime { return Runtime{} }

// Close kills what still runs, ends the zygote and reaps everything.
func (s *Sandbox) Close() error { return nil }
