package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// A flight is a run that the zygote was told to fork, and our ends of its
// streams. Its program follows later: see park.
type flight struct {
	zygote  *zygote
	id      uint64
	run     *run
	fds     streams
	work    *workspace // nil if it has none
	ordered time.Time
	parked  bool // ordered before its program came
}

// order tells the zygote to fork a run with these limits, ahead of its program or not.
func (z *zygote) order(limits Limits, ahead bool) (*flight, error) {
	fds, err := openStreams()
	if err != nil {
		return nil, &SetupError{"descriptors", err}
	}
	work, dir, err := z.workspaces.take()
	if err != nil {
		fds.closeTheirs()
		fds.close()
		return nil, &SetupError{"workspace", err}
	}
	if work != nil {
		fds.theirs = append(fds.theirs, dir)
	}
	f := &flight{zygote: z, run: newRun(work, z.beside), fds: fds, work: work, ordered: time.Now(), parked: ahead}
	z.mu.Lock()
	z.next++
	f.id = z.next
	z.runs[f.id] = f.run
	z.mu.Unlock()

	cpu := uint64(limits.Timeout/time.Second) + cpuSlack
	err = z.send(orderRun(f.id, limits.Memory, cpu, ahead), unix.UnixRights(f.fds.theirs...))
	f.fds.closeTheirs()
	if err != nil {
		f.close()
		z.kill("does not take work: " + err.Error())
		<-z.dead
		return nil, ErrRunLost
	}
	return f, nil
}

// cpuSlack is how many seconds of CPU time a run has beyond its wall clock:
// RLIMIT_CPU only backs up the deadline.
const cpuSlack = 2

// dispose closes a flight whose process has ended, once that was reported.
func (f *flight) dispose() {
	late := time.NewTimer(reapTimeout)
	defer late.Stop()
	select {
	case <-f.run.ended:
	case <-f.zygote.dead:
	case <-late.C:
		f.zygote.kill("hung with a parked run that has ended")
		<-f.zygote.dead
	}
	f.close()
}

// close gives back everything that we hold of the run. It must have been reported
// to have ended, or its zygote be dead: a report about a run that is not known any
// more counts as a breach of the protocol.
func (f *flight) close() {
	f.zygote.mu.Lock()
	delete(f.zygote.runs, f.id)
	f.zygote.mu.Unlock()
	f.run.close()
	f.fds.close()
	if err := f.work.remove(); err != nil {
		// Nobody can reach it, but what is left of it takes up room.
		f.zygote.log.Error("a workspace can't be removed", "error", err)
		f.zygote.kill("left a workspace that can't be removed")
	}
}

// park has one run forked and jailed ahead: it rehearses and waits for its program, which
// finds all that done. A parked run has the profile's limits and nothing else; it
// serves one program, as every run. What it holds is in the reserve (parkedCost).
// If it can't be had now, the next program is forked for when it comes.
func (z *zygote) park() {
	z.mu.Lock()
	busy := z.parked != nil || z.parking || z.reaped || z.retired
	z.parking = z.parking || !busy
	z.mu.Unlock()
	if busy {
		return
	}
	f, err := z.order(z.ahead, true)
	z.mu.Lock()
	z.parking = false
	keep := err == nil && !z.reaped
	if keep {
		z.parked = f
	}
	z.mu.Unlock()
	if err == nil && !keep {
		f.close()
	}
}

// unpark takes the parked run, if there is one.
func (z *zygote) unpark() *flight {
	z.mu.Lock()
	defer z.mu.Unlock()
	f := z.parked
	z.parked = nil
	return f
}

// flightFor returns a run for the job: the parked one if its limits are the
// job's and it is still there, else one that is forked now.
func (z *zygote) flightFor(job Job) (*flight, error) {
	if job.Limits.Memory == z.ahead.Memory {
		if f := z.unpark(); f != nil {
			if !f.run.gone() && f.run.adopt(job) {
				return f, nil
			}
			f.dispose() // it ended while it waited, by the kernel's hand
		}
	}
	f, err := z.order(job.Limits, false)
	if err != nil {
		return nil, err
	}
	f.run.adopt(job)
	return f, nil
}

// timeline is what is known of the run's times now that it has ended.
func (f *flight) timeline(begin time.Time, rep report, said testimony) Timeline {
	m := marks{begin: begin, end: time.Now(), ordered: f.ordered, parked: f.parked}
	f.run.mu.Lock()
	m.forked, m.killed = f.run.forkedAt, f.run.killedAt
	f.run.mu.Unlock()
	if c, err := newClock(); err == nil { // it is there on every Linux
		m.jailed, m.begun, m.exited = c.time(said.jailedAt), c.time(said.begunAt), c.time(rep.exit.at)
	}
	return m.timeline()
}
