package sandbox

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A talk reads what a run writes, and writes what it reads.
type talk struct {
	stdout, stderr capture
	said           testimony
	control        *control
	sent           func() // waits until the program was written, or nobody reads it
	wg             sync.WaitGroup
	open           atomic.Int32  // streams that the run holds open
	silent         chan struct{} // closed when there is none
}

func startTalk(fds *streams, job Job) *talk {
	t := &talk{
		stdout: capture{sink: job.Stdout}, stderr: capture{sink: job.Stderr},
		control: &fds.control, silent: make(chan struct{}),
	}
	t.open.Store(2)
	t.read(&t.stdout, fds.stdout)
	t.read(&t.stderr, fds.stderr)
	t.sent = t.control.send(program(job.Code))
	return t
}

func (t *talk) read(c *capture, from io.Reader) {
	t.wg.Go(func() {
		c.drain(from)
		if t.open.Add(-1) == 0 {
			close(t.silent)
		}
	})
}

// wait returns when all is read that a run which has ended had written.
func (t *talk) wait() {
	t.wg.Wait()
	t.sent()
	t.said = readControl(t.control)
}

// result makes a Result of what the kernel, the server and, last and least, the
// run itself say.
func (t *talk) result(cause killCause, rep report, wall time.Duration) (Result, error) {
	if rep.tag == tagFailed {
		return Result{}, &SetupError{"fork", unix.Errno(rep.errno)}
	}
	if f := t.said.jailFailure; f != nil {
		return Result{}, &SetupError{f.Step, errors.New(f.Error)}
	}
	if !t.said.jailed && cause == notKilled {
		return Result{}, &SetupError{"jail", fmt.Errorf("the run ended before it was jailed: wait status %#x", rep.exit.status)}
	}
	usage := Usage{Wall: wall, CPU: rep.exit.cpu, MaxRSS: rep.exit.maxRSS}
	// A program may say this too, of itself, once it runs. What was refused has
	// printed nothing and ended in peace.
	silent := t.stdout.read == 0 && t.stderr.read == 0 && rep.exit.status == 0
	if len(t.said.violations) > 0 && cause == notKilled && silent {
		return Result{}, &PolicyError{Violations: t.said.violations, Usage: usage}
	}
	res := Result{Stdout: t.stdout.out, Stderr: t.stderr.out, Usage: usage}
	res.ExitCode, res.Outcome = judge(unix.WaitStatus(rep.exit.status), cause, t.said.outOfMemory)
	res.TimedOut = cause == killedAtDeadline
	if res.TimedOut {
		res.ExitCode = -int(unix.SIGKILL)
	}
	return res, nil
}

// judge puts an end into one word. See Outcome.
func judge(status unix.WaitStatus, cause killCause, outOfMemory bool) (exitCode int, outcome Outcome) {
	if status.Signaled() {
		exitCode = -int(status.Signal())
	} else {
		exitCode = status.ExitStatus()
	}
	switch {
	case cause == killedAtDeadline:
		return exitCode, OutcomeTimeout
	case cause == killedByMemoryLine:
		return exitCode, OutcomeMemoryLimit
	case status.Signaled() && status.Signal() == unix.SIGXCPU:
		return exitCode, OutcomeTimeout
	case status.Signaled() && status.Signal() == unix.SIGKILL:
		return exitCode, OutcomeMemoryLimit // not ours: the kernel's
	case status.Signaled():
		return exitCode, OutcomeCrashed
	case exitCode != 0 && outOfMemory:
		return exitCode, OutcomeMemoryLimit
	case exitCode != 0:
		return exitCode, OutcomeFailed
	default:
		return exitCode, OutcomeOK
	}
}
