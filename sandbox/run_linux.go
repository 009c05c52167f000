package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// killCause says why we sent a run SIGKILL.
type killCause int

const (
	notKilled killCause = iota
	killedAtDeadline
	killedByMemoryLine
	killedByContext
)

// A run is one program in flight, as the server knows it.
type run struct {
	job     Job
	started chan struct{} // closed once pidfd is known, or the fork failed
	dying   chan struct{} // closed once it was sent SIGKILL
	ended   chan report   // buffered: one report, tagExited or tagFailed

	mu       sync.Mutex
	pidfd    int // -1 until the zygote has said so, and after close
	pid      int // as we number it; 0: not known
	meter    pidfdMeter
	cause    killCause
	finished bool
}

func newRun(job Job) *run {
	return &run{job: job, started: make(chan struct{}), dying: make(chan struct{}), ended: make(chan report, 1), pidfd: -1}
}

// start takes the run's pidfd; false when it has one already.
func (r *run) start(pidfd, pid int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pidfd >= 0 || r.finished {
		return false
	}
	r.pidfd, r.pid = pidfd, pid
	if r.cause != notKilled { // killed before it was known
		r.signal()
	}
	close(r.started)
	return true
}

// finish takes the report of the run's end; false when it can't be true.
func (r *run) finish(rep report) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished || (rep.tag == tagExited) != (r.pidfd >= 0) {
		return false
	}
	r.finished = true
	if rep.tag == tagFailed {
		close(r.started)
	}
	r.ended <- rep
	return true
}

// kill sends SIGKILL, now or as soon as the run is known. The first cause counts.
func (r *run) kill(cause killCause) {
	r.mu.Lock()
	first := r.cause == notKilled && !r.finished
	if first {
		r.cause = cause
		r.signal()
		close(r.dying)
	}
	r.mu.Unlock()
	if first && r.job.Killed != nil {
		r.job.Killed()
	}
}

func (r *run) signal() {
	if r.pidfd >= 0 {
		_ = unix.PidfdSendSignal(r.pidfd, unix.SIGKILL, nil, 0) // ESRCH: it has ended
	}
}

func (r *run) killed() killCause {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cause
}

// close gives the pidfd back.
func (r *run) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.finished = true
	if r.pidfd >= 0 {
		_ = r.meter.Close() // read-only
		_ = unix.Close(r.pidfd)
		r.pidfd = -1
	}
}

// charge is what the run holds in bytes, for the memory line where that has no
// cgroup to ask; 0 while it is not known and once it is gone.
func (r *run) charge() (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pidfd < 0 {
		return 0, nil
	}
	return r.meter.charge(r.pidfd, r.pid)
}

// weight is what the budget has set aside for the run.
func (r *run) weight() MiB { return RunWeight(r.job.Limits.Memory) }

// run hands one job to the zygote and returns when its process is reaped and
// everything that it wrote is read. Errors as Sandbox.Run has them.
func (z *zygote) run(ctx context.Context, job Job, line *memoryWatch) (Result, error) {
	fds, err := openStreams()
	if err != nil {
		return Result{}, &SetupError{"descriptors", err}
	}
	defer fds.close()
	r := newRun(job)
	id := z.add(r)
	defer r.close()
	defer z.remove(id)
	defer line.add(r)()

	begin := time.Now()
	deadline := time.NewTimer(job.Limits.Timeout)
	defer deadline.Stop()
	err = z.sendRun(id, job.Limits, fds.theirs)
	fds.closeTheirs()
	if err != nil {
		z.kill("does not take work: " + err.Error())
		<-z.dead
		return Result{}, ErrRunLost
	}
	talk := startTalk(&fds, job)
	defer context.AfterFunc(ctx, func() { r.kill(killedByContext) })()
	rep, lost := z.await(r, deadline.C)
	wall := time.Since(begin)
	talk.wait() // nobody holds the other end of any stream any more
	if talk.said.noticed != nil {
		z.log.Info("policy, observed", "violations", talk.said.noticed)
	}
	switch {
	case lost:
		return Result{}, ErrRunLost
	case r.killed() == killedByContext:
		return Result{}, context.Cause(ctx)
	default:
		return talk.result(r.killed(), rep, wall)
	}
}

// await returns the report of the run's end, or lost when it ended with its
// zygote. It kills the run at its deadline, and the zygote when that is hung:
// when it does not fork, or does not report the end of a run that was killed.
func (z *zygote) await(r *run, deadline <-chan time.Time) (rep report, lost bool) {
	started, dying := r.started, r.dying
	hung := time.NewTimer(startTimeout)
	defer hung.Stop()
	for {
		select {
		case rep = <-r.ended:
			return rep, false
		case <-started:
			started = nil
			if dying != nil {
				hung.Stop()
			}
		case <-deadline:
			r.kill(killedAtDeadline)
		case <-dying:
			dying = nil
			hung.Reset(reapTimeout)
		case <-hung.C:
			z.kill("hung with a run in flight")
			hung.Stop()
		case <-z.dead:
			select {
			case rep = <-r.ended: // it had ended before
				return rep, false
			default:
				return rep, true
			}
		}
	}
}

// cpuSlack is how many seconds of CPU time a program has beyond its wall clock:
// RLIMIT_CPU only backs up the deadline.
const cpuSlack = 2

func (z *zygote) sendRun(id uint64, limits Limits, fds []int) error {
	cpu := uint64(limits.Timeout/time.Second) + cpuSlack
	return z.send(orderRun(id, limits.Memory, cpu), unix.UnixRights(fds...))
}

func (z *zygote) add(r *run) (id uint64) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.next++
	z.runs[z.next] = r
	return z.next
}

func (z *zygote) remove(id uint64) {
	z.mu.Lock()
	defer z.mu.Unlock()
	delete(z.runs, id)
}

// A talk reads what a run writes, and writes what it reads.
type talk struct {
	stdout, stderr capture
	said           testimony
	control        *control
	sent           func() // waits until the program was written, or nobody reads it
	wg             sync.WaitGroup
}

func startTalk(fds *streams, job Job) *talk {
	t := &talk{stdout: capture{sink: job.Stdout}, stderr: capture{sink: job.Stderr}, control: &fds.control}
	t.wg.Go(func() { t.stdout.drain(fds.stdout) })
	t.wg.Go(func() { t.stderr.drain(fds.stderr) })
	t.sent = t.control.send(program(job.Code))
	return t
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
