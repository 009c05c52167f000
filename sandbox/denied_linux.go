package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

// A program that makes denied calls and nothing else would keep the server busy with its
// answers, at a quarter of a millisecond of its processor each. After promptDenials an
// answer comes denialPause after the one before, for all threads of the run together, and
// the pause grows by as much with each promptDenials more, up to slowestDenial.
const (
	promptDenials = 100
	denialPause   = time.Millisecond
	slowestDenial = 10 * time.Millisecond
)

// denials are the calls that one run was denied.
type denials struct {
	names    []string // each once, at most MaxDenied
	answered int
	next     time.Time // no answer before
}

// note takes one call and returns how long its answer is to be put off.
func (d *denials) note(name string, now time.Time) time.Duration {
	if len(d.names) < MaxDenied && !slices.Contains(d.names, name) {
		d.names = append(d.names, name)
	}
	pause := min(time.Duration(d.answered/promptDenials)*denialPause, slowestDenial)
	if d.answered++; pause == 0 {
		return 0
	}
	if d.next.Before(now) {
		d.next = now
	}
	d.next = d.next.Add(pause)
	return d.next.Sub(now)
}

// answerDenied takes the listener of the zygote's filter, and serves it. It owns fd.
func (z *zygote) answerDenied(fd int) error {
	if z.denied != nil {
		return errors.Join(fmt.Errorf("%w: a second listener", errProtocol), unix.Close(fd))
	}
	l, err := newListener(fd)
	if err != nil {
		return err
	}
	z.denied = l
	go l.serve(z.judge)
	return nil
}

// judge notes a denied call with the run that makes it, and says how long it is to wait for
// its answer.
func (z *zygote) judge(call launch.DeniedCall) time.Duration {
	r := z.runOf(call.Thread)
	if r == nil { // the zygote itself, or a run that has ended
		z.log.Debug("a call is denied", "call", call.Name(), "thread", call.Thread)
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.denied.note(call.Name(), time.Now())
}

// runOf finds the run that a thread belongs to, nil if there is none.
func (z *zygote) runOf(thread int) *run {
	if thread == z.pid {
		return nil
	}
	z.mu.Lock()
	runs := slices.Collect(maps.Values(z.runs))
	z.mu.Unlock()
	process := thread // as that of the first thread of a process
	is := func(r *run) bool { return r.number() == process }
	if i := slices.IndexFunc(runs, is); i >= 0 {
		return runs[i]
	}
	if process = processOf(thread); process == 0 {
		return nil
	}
	if i := slices.IndexFunc(runs, is); i >= 0 {
		return runs[i]
	}
	// A fresh run may be faster than the zygote's message that it was started.
	late := time.After(startedPatience)
	for _, r := range runs {
		select {
		case <-r.started:
		case <-late:
			return nil
		}
		if is(r) {
			return r
		}
	}
	return nil
}

// startedPatience is how long a denied call waits for its run to be known.
const startedPatience = time.Second

// processOf returns the process of a thread, 0 if it is gone.
func processOf(thread int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return 0
	}
	process, err := strconv.Atoi(parseStatus(string(text))["Tgid"])
	if err != nil {
		return 0
	}
	return process
}

// number is the run's process id as this PID namespace has it, 0 if it is not known.
func (r *run) number() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pid == 0 && r.pidfd >= 0 {
		if pid, err := pidOf(r.pidfd); err == nil && pid > 0 {
			r.pid = pid
		}
	}
	return r.pid
}

// deniedCalls are the names of the calls that the run was denied.
func (r *run) deniedCalls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.denied.names)
}
