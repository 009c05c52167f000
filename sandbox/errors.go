package sandbox

import (
	"errors"
	"fmt"
)

// Errors that Run returns. None of them says anything about the program.
var (
	// ErrRunLost: the run was lost with its zygote. Nothing of it survives, so
	// it is safe to retry.
	ErrRunLost = errors.New("sandbox: run lost with its zygote")
	// ErrNotReady: no warm zygote at the moment; one is being started.
	ErrNotReady = errors.New("sandbox: no warm interpreter")
	// ErrClosed: the sandbox was closed.
	ErrClosed = errors.New("sandbox: closed")
)

// SetupError says which step of starting or jailing a run failed. It is our
// failure, never the program's.
type SetupError struct {
	Step string // for example "landlock" or "seccomp"
	Err  error
}

func (e *SetupError) Error() string { return fmt.Sprintf("sandbox: %s: %v", e.Step, e.Err) }
func (e *SetupError) Unwrap() error { return e.Err }

// PolicyError says that the profile's policy refused a program before it ran.
type PolicyError struct {
	Violations []string // every one found, in the order of the source
	Usage      Usage    // of reading and checking the program
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("sandbox: policy: %d violations", len(e.Violations))
}
