package sandbox

import (
	"io"
	"time"
)

// MiB is an amount of memory in mebibytes (1,048,576 bytes), the unit in which
// runs are weighed and the budget is kept.
type MiB int64

// Bytes returns the amount in bytes.
func (m MiB) Bytes() int64 { return int64(m) << 20 }

// Job is one program to run and the bounds to run it in.
type Job struct {
	// Code is Python source in UTF-8.
	Code string
	// Limits are the bounds; the zero value of each means the profile's default.
	Limits Limits
	// Stdout and Stderr, when not nil, receive the program's output as it
	// arrives and uncapped; the Result's Output then stays empty. They are
	// written from one goroutine each, and a Write that blocks blocks the
	// program's stream, never the deadline.
	Stdout, Stderr io.Writer
	// Killed, when not nil, is called once when the run has been sent SIGKILL
	// (deadline, memory line, cancelled context) and before it is reaped: the
	// memory is about to come back.
	Killed func()
	// Timeline, when not nil, is filled in before Run returns.
	Timeline *Timeline
}

// Limits bound one run.
type Limits struct {
	// Timeout is wall-clock time, > 0 and at most Profile.Limits.MaxTimeout.
	Timeout time.Duration
	// Memory is RLIMIT_AS, the interpreter's own address space included; at
	// least MinMemory, at most Profile.Limits.Memory.
	Memory MiB
}

// MinMemory is the least address space in which the interpreter of a profile
// without packages can run a program at all.
const MinMemory MiB = 64
