package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	job     Job           // set by adopt, before anybody kills or watches it
	work    *workspace    // nil if it has none
	beside  MiB           // what it weighs beside its memory
	started chan struct{} // closed once pidfd is known, or the fork failed
	dying   chan struct{} // closed once it was sent SIGKILL
	ended   chan report   // buffered: one report, tagExited or tagFailed

	mu       sync.Mutex
	pidfd    int // -1 until the zygote has said so, and after close
	pid      int // as we number it; 0: not known (yet)
	forkedAt time.Time
	killedAt time.Time
	meter    pidfdMeter
	denied   denials
	cause    killCause
	finished bool
}

func newRun(work *workspace, beside MiB) *run {
	return &run{work: work, beside: beside, started: make(chan struct{}), dying: make(chan struct{}), ended: make(chan report, 1), pidfd: -1}
}

// adopt gives the run its job; false when it has ended already.
func (r *run) adopt(job Job) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.job = job
	return !r.finished
}

// start takes the run's pidfd; false when it has one already.
func (r *run) start(pidfd, pid int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pidfd >= 0 || r.finished {
		return false
	}
	r.pidfd, r.pid, r.forkedAt = pidfd, pid, time.Now()
	if r.cause != notKilled { // killed before it was known
		r.signal()
	}
	close(r.started)
	return true
}

// finish takes the report of the run's end; false when it can't be true: that a process has
// ended is the kernel's to say.
func (r *run) finish(rep report) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished || (rep.tag == tagExited) != (r.pidfd >= 0) || r.pidfd >= 0 && !hasEnded(r.pidfd) {
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
		r.cause, r.killedAt = cause, time.Now()
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

// gone reports whether the run's process has ended, reaped or not.
func (r *run) gone() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pidfd >= 0 && hasEnded(r.pidfd)
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
	held, err := r.meter.charge(r.pidfd, r.pid)
	if err != nil {
		return 0, err
	}
	if held == 0 && !hasEnded(r.pidfd) { // its first thread has ended, and others hold what it does not show
		return (r.job.Limits.Memory + r.beside).Bytes(), nil
	}
	files, err := r.work.charge()
	return held + files, err
}

// weight is what the budget has set aside for the run.
func (r *run) weight() MiB { return r.job.Limits.Memory + r.beside }

// run hands one job to the zygote and returns when its process is reaped and
// everything that it wrote is read. Errors as Sandbox.Run has them.
func (z *zygote) run(ctx context.Context, job Job, line *memoryWatch) (Result, error) {
	begin := time.Now()
	deadline := time.NewTimer(job.Limits.Timeout)
	defer deadline.Stop()
	f, err := z.flightFor(job)
	if err != nil {
		return Result{}, err
	}
	defer f.close()
	defer line.add(f.run)()
	talk := startTalk(&f.fds, job)
	defer context.AfterFunc(ctx, func() { f.run.kill(killedByContext) })()
	z.park() // the next one, while this one runs
	rep, lost := z.await(f.run, deadline.C, talk.silent)
	wall := time.Since(begin)
	talk.wait(func() { z.kill("holds the streams of a run that has ended") })
	if job.Timeline != nil {
		*job.Timeline = f.timeline(begin, rep, talk.said)
	}
	if talk.said.noticed != nil {
		sum := sha256.Sum256([]byte(job.Code))
		z.log.Info("policy, observed", "event", EventPolicyObserved, "code_sha256", hex.EncodeToString(sum[:]), "violations", talk.said.noticed)
	}
	switch {
	case lost:
		return Result{}, ErrRunLost
	case f.run.killed() == killedByContext:
		return Result{}, context.Cause(ctx)
	}
	result, err := talk.result(f.run.killed(), rep, wall)
	if err != nil {
		return Result{}, err
	}
	result.Denied = f.run.deniedCalls()
	if result.Files, err = f.work.outputs(job); err != nil {
		return Result{}, &SetupError{"outputs", err}
	}
	return result, nil
}

// slowDeath is how many times reapTimeout the kernel may take for a run that was killed:
// a minute. Nothing is known to take so long; if the kill itself was refused, the zygote
// is ended instead, with all its runs.
const slowDeath = 12

// await returns the report of the run's end, or lost when it ended with its
// zygote. It kills the run at its deadline, and the zygote when that is hung:
// when it does not fork, or does not report the end of a run that is gone after it was
// killed or has closed its streams.
func (z *zygote) await(r *run, deadline <-chan time.Time, silent <-chan struct{}) (rep report, lost bool) {
	started, dying := r.started, r.dying
	slow := 0 // how often a killed run was not gone yet; -1: gone since
	hung := time.NewTimer(startTimeout)
	defer hung.Stop()
	for {
		select {
		case rep = <-r.ended:
			return rep, false
		case <-started:
			started = nil
			if dying != nil && silent != nil {
				hung.Stop()
			}
		case <-deadline:
			r.kill(killedAtDeadline)
		case <-dying:
			dying = nil
			hung.Reset(reapTimeout)
		case <-silent:
			silent = nil
			hung.Reset(reapTimeout)
		case <-hung.C:
			switch {
			case started != nil: // not even forked
			case r.gone() && slow > 0: // it died only just now: the zygote has its time once more
				slow = -1
				hung.Reset(reapTimeout)
				continue
			case r.gone(): // and not reported
			case dying != nil:
				continue // a program may close its streams and go on
			case slow < slowDeath:
				// The kernel takes a run down that was killed, for seconds where it is slow. The
				// zygote can do nothing about it.
				slow++
				hung.Reset(reapTimeout)
				continue
			}
			z.kill("hung with a run in flight")
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
