package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A talk reads what a run writes, and writes what it reads.
type talk struct {
	stdout, stderr capture
	said           testimony
	pipes          [2]*os.File // our ends of stdout and stderr
	control        *control
	sent           func() // waits until the program was written, or nobody reads it
	wg             sync.WaitGroup
	open           atomic.Int32  // streams that the run holds open
	silent         chan struct{} // closed when there is none
}

func startTalk(fds *streams, job Job) *talk {
	t := &talk{
		stdout: capture{sink: job.Stdout, follow: job.follower(Stdout)},
		stderr: capture{sink: job.Stderr, follow: job.follower(Stderr)},
		pipes:  [2]*os.File{fds.stdout, fds.stderr}, control: &fds.control, silent: make(chan struct{}),
	}
	t.open.Store(2)
	t.read(&t.stdout, fds.stdout)
	t.read(&t.stderr, fds.stderr)
	t.sent = t.control.send(program(job))
	feed(fds.stdin, job.Stdin)
	return t
}

// follower is Follow for one of the streams, nil if there is none.
func (j Job) follower(s Stream) func([]byte) {
	if j.Follow == nil {
		return nil
	}
	return func(kept []byte) { j.Follow(s, kept) }
}

// feed gives the run its standard input. It ends with what there is to read, with the
// run, which leaves a pipe that nobody reads, or when the pipe is closed.
func feed(stdin *os.File, from io.Reader) {
	if from == nil {
		_ = stdin.Close() // nothing was written
		return
	}
	go func() {
		_, _ = io.Copy(stdin, from) // EPIPE: the run ended without reading all
		_ = stdin.Close()           // as above
	}()
}

func (t *talk) read(c *capture, from io.Reader) {
	t.wg.Go(func() {
		c.drain(from)
		if t.open.Add(-1) == 0 {
			close(t.silent)
		}
	})
}

// wait returns when all is read that a run which has ended had written. Nobody can
// hold its streams any more, as long as the inner jail holds; should somebody do so
// all the same, end is called, which must end whoever it is.
func (t *talk) wait(end func()) {
	late := time.AfterFunc(reapTimeout, func() {
		if isHeld(t.pipes[0]) || isHeld(t.pipes[1]) { // not: read by somebody slow
			end()
		}
	})
	defer late.Stop()
	t.sent()
	t.said = readControl(t.control) // first: a descriptor that was sent there ends with it
	t.wg.Wait()
}

// isHeld reports whether the other end of a pipe is open. A moment after its
// holder's end it may still be: in a process of ours between fork and exec.
func isHeld(pipe *os.File) bool {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return false // closed
	}
	held := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(fds, 0)
		held = err == nil && fds[0].Revents&unix.POLLHUP == 0
	})
	return err == nil && held
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
