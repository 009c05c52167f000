package sandbox

import "time"

// Result is what a program did. Whatever a program can do is a Result; an
// error means that we failed, or that the policy refused to run it.
type Result struct {
	Stdout, Stderr Output
	// ExitCode is the program's, or minus the number of the signal that ended it.
	ExitCode int
	// TimedOut: killed at its deadline; ExitCode is then -9.
	TimedOut bool
	Outcome  Outcome
	Usage    Usage
	// Denied are the system calls that the kernel refused because they are not in the
	// profile, by name, each once, in the order in which they came; at most MaxDenied. Only
	// profiles whose runs have files name them, and not all: see docs/calls.md.
	Denied []string
	// Files are those that Job.Outputs asked for, by name, however the program ended.
	Files []OutputFile
}

// Output is one captured stream: at most CaptureLimit bytes of it, as they came
// (not necessarily valid UTF-8).
type Output struct {
	Data      []byte
	Truncated bool
}

// CaptureLimit bounds, in bytes, what is kept of each stream. The rest is read
// and dropped, so that a program never blocks on a full pipe.
const CaptureLimit = 50 << 10

// MaxDenied bounds how many denied calls a Result names.
const MaxDenied = 16

// Outcome says in one word how a run ended. The list is closed.
type Outcome string

const (
	OutcomeOK          Outcome = "ok"           // exit code 0
	OutcomeFailed      Outcome = "failed"       // non-zero exit or uncaught exception
	OutcomeTimeout     Outcome = "timeout"      // deadline, or SIGXCPU
	OutcomeMemoryLimit Outcome = "memory_limit" // uncaught MemoryError, the memory line, or a SIGKILL that we did not send
	OutcomeCrashed     Outcome = "crashed"      // another signal
)

// Usage is measured by the server and the kernel, never by the program.
type Usage struct {
	Wall   time.Duration // from hand-over to the zygote until the process had ended
	CPU    time.Duration // user and system time, from wait4(2)
	MaxRSS int64         // KiB, ru_maxrss of getrusage(2); counts the pages shared with the zygote
}
