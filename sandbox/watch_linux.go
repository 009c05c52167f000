package sandbox

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// watchPeriod is the time from one look at the charge to the next, near the line. A
	// core was measured to fault in 1.5 GiB a second: 8 MiB in a period, a quarter of
	// its margin. A look takes 4 µs with a cgroup, 20 µs at its line.
	watchPeriod = 5 * time.Millisecond
	// watchLongest is the same far from it, see pause: what the container is charged for
	// is not always ours to foresee.
	watchLongest = 50 * time.Millisecond
	// watchRise, in bytes, is how much the charge may still rise while a
	// killed run is on its way out, before the next one is killed too: several
	// such steps fit into the margin.
	watchRise = int64(marginPerCore) << 20 / 4
)

// A memoryLine is drawn a margin below a limit (memoryMargin), with what counts against it.
type memoryLine struct {
	source chargeSource
	at     int64 // bytes; the charge must stay below
	margin int64 // bytes from there to the limit

	charge int64 // as last read
	cut    int64 // what it was at the last kill
}

// memoryWatch keeps the charge of the container below its memory lines: while
// a run is in flight it looks every few milliseconds, and at a line it kills every run
// that holds more than its weight. Where none does, it kills the newest, because
// those that came before were within bounds without it, and waits until that one is
// gone, that is reaped and its memory back, before it kills another; unless the
// charge rises on meanwhile. With no run in flight it sleeps.
//
// A charge that can't be read counts as one at the line: the container is worth
// more than a run.
type memoryWatch struct {
	lines []memoryLine
	procs *processSum // nil if no line needs it
	log   *slog.Logger

	wake chan struct{} // holds a token when the first run has come
	quit chan struct{}
	done chan struct{} // closed when the goroutine has ended
	stop func()        // closes quit, once

	mu    sync.Mutex
	runs  []*inFlight // from oldest to newest
	kills int64

	left, chosen []*inFlight // choose's, kept from look to look so that it does not allocate
}

// watchedRun is a run as the memory line sees it. Its methods are called from
// the watch's goroutine without a lock of the watch's held. They must not wait,
// neither for the run nor for the watch, and a call on its way may still arrive
// shortly after the run was removed.
type watchedRun interface {
	// kill sends SIGKILL and records the cause. It is called at most once.
	kill(cause killCause)
	// weight is what the budget has set aside for the run.
	weight() MiB
	charger
}

// inFlight is the watch's entry for one run.
type inFlight struct {
	run    watchedRun
	killed bool // by us; guarded by memoryWatch.mu
}

// openMemoryWatch opens what must be read to keep to the limit that the budget
// was settled on, and to that of the cgroup that was found, and starts watching.
// Mostly these are the same. An operator's lower limit is compared with our own
// processes alone: the cgroup may well be charged with others, for example with
// all that a user runs on a laptop. pinned: see pinnedSlab.
func openMemoryWatch(found containerMemory, limit, margin MiB, pinned func() int64, log *slog.Logger) (*memoryWatch, error) {
	var lines []memoryLine
	procs := &processSum{why: "no cgroup limits us"}
	if found.cgroup != nil {
		procs.why = "the limit is not the cgroup's"
		source, err := openCgroupCharge(found.cgroup, pinned)
		switch {
		case err == nil:
			lines = append(lines, memoryLine{source: source, at: found.limit - margin.Bytes(), margin: margin.Bytes()})
		case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist):
			procs.why = err.Error()
		default:
			return nil, err
		}
		if err == nil && limit == down(found.limit) && source.kernel.file == nil {
			return startMemoryWatch(lines, nil, log), nil
		}
	}
	if _, err := procs.addProcess(os.Getpid(), 0); err != nil {
		for _, l := range lines {
			l.source.Close()
		}
		return nil, err
	}
	if len(lines) == 0 || limit != down(found.limit) {
		lines = append(lines, memoryLine{source: procs, at: (limit - margin).Bytes(), margin: margin.Bytes()})
	}
	return startMemoryWatch(lines, procs, log), nil
}

// startMemoryWatch watches lines. It closes their sources in the end.
func startMemoryWatch(lines []memoryLine, procs *processSum, log *slog.Logger) *memoryWatch {
	w := &memoryWatch{
		lines: lines,
		procs: procs,
		log:   log,
		wake:  make(chan struct{}, 1),
		quit:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	w.stop = sync.OnceFunc(func() { close(w.quit) })
	go w.loop()
	return w
}

// String says what is read, for people.
func (w *memoryWatch) String() string {
	var names []string
	for _, l := range w.lines {
		names = append(names, l.source.String())
	}
	return strings.Join(names, "; ")
}

// addZygote counts a process that is never killed, and its library in bytes, until
// remove is called. It must not be reaped yet.
func (w *memoryWatch) addZygote(pid int, library int64) (remove func(), err error) {
	if w.procs == nil {
		return func() {}, nil
	}
	return w.procs.addProcess(pid, library)
}

// add watches over a run until remove is called: when the run is reaped, not
// before, for until then its memory is not back.
func (w *memoryWatch) add(r watchedRun) (remove func()) {
	uncount := func() {}
	if w.procs != nil {
		uncount = w.procs.add(r)
	}
	entry := &inFlight{run: r}
	w.mu.Lock()
	if len(w.runs) == 0 { // this one has not begun
		for i := range w.lines { // no copy: the rest of a line is the watch's
			if source, ok := w.lines[i].source.(restingSource); ok {
				source.rest()
			}
		}
	}
	w.runs = append(w.runs, entry)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // awake already, or about to be
	}
	return func() {
		w.mu.Lock()
		w.runs = slices.DeleteFunc(w.runs, func(other *inFlight) bool { return other == entry })
		w.mu.Unlock()
		uncount()
	}
}

// Close ends the watch and waits for its goroutine. No lock that a run's kill
// needs may be held.
func (w *memoryWatch) Close() error {
	w.stop()
	<-w.done
	var errs []error
	for _, l := range w.lines {
		errs = append(errs, l.source.Close())
	}
	return errors.Join(errs...)
}

// loop sleeps until there is a run, then looks as often as it must until there is
// none. A run that comes soon after the last look, and is gone before the next is due,
// is never looked at.
func (w *memoryWatch) loop() {
	defer close(w.done)
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-w.wake:
		}
		for w.busy() {
			select {
			case <-w.quit:
				return
			case <-due.C:
			}
			due.Reset(w.look())
		}
	}
}

// busy reports whether there is a run to look after.
func (w *memoryWatch) busy() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.runs) > 0
}

// look reads every line once, kills whom it must, and returns how long the next look may
// wait. It does not allocate unless it kills.
func (w *memoryWatch) look() (pause time.Duration) {
	pause = watchLongest
	var over *memoryLine
	var failed error
	for i := range w.lines {
		l := &w.lines[i]
		charge, err := l.source.charge(l.at)
		switch {
		case err != nil:
			charge, failed = l.at, err
		case charge >= l.at:
			charge = w.held(l.source, charge)
		}
		if l.charge = charge; charge >= l.at && (over == nil || l.rising()) {
			over = l
		}
		pause = min(pause, l.pause())
	}
	if over == nil {
		return pause
	}
	victims := w.choose(over)
	if len(victims) == 0 {
		return pause
	}
	for _, victim := range victims {
		victim.run.kill(killedByMemoryLine)
	}
	for i := range w.lines {
		w.lines[i].cut = w.lines[i].charge
	}
	// A log that nobody reads must not stop the watch.
	go w.log.Warn("memory line: killed runs", "event", EventMemoryLine, "runs", len(victims), "charge_mib", over.charge>>20,
		"line_mib", over.at>>20, "read", over.source.String(), "error", failed)
	return pause
}

// held is a charge without what runs that are gone have left behind, but never less than
// processes are known to hold: the kernel may have taken some of that back meanwhile, and
// others may hold as much now.
func (w *memoryWatch) held(source chargeSource, charge int64) int64 {
	resting, ok := source.(restingSource)
	if !ok || w.procs == nil {
		return charge
	}
	left := resting.leftBehind()
	if left == 0 {
		return charge
	}
	known, err := w.procs.charge(0)
	if err != nil {
		return charge
	}
	return max(charge-left, min(charge, known+unseenKernel))
}

// unseenKernel, in bytes, is what the kernel holds at most for processes beside what
// processSum sees: buffers, descriptors and maps of a run (filesKernelCost), the nodes of its
// files, and what it holds for the server.
const unseenKernel = 64 << 20

// pause is how long the next look at the line may wait: as long as the charge, rising by a
// quarter of the margin in each watchPeriod, takes to come half of the way.
func (l *memoryLine) pause() time.Duration {
	periods := (l.at - l.charge) / (l.margin / 2)
	return max(watchPeriod, min(time.Duration(periods)*watchPeriod, watchLongest))
}

// rising reports whether the charge has gone up since the last kill.
func (l *memoryLine) rising() bool { return l.charge >= l.cut+watchRise }

// choose returns the runs to kill and marks them. Those that hold more than they
// were weighed at (page tables can make it so) are all to go, at once: several that
// grow together would outrun a line that takes them one by one. Where there is none,
// it is the newest of all, if nobody is on the way out or the line's charge is rising.
func (w *memoryWatch) choose(over *memoryLine) []*inFlight {
	leaving := false
	w.left = w.left[:0] // asked without the lock: a run may have one of its own
	w.mu.Lock()
	for _, r := range w.runs {
		if r.killed {
			leaving = true
		} else {
			w.left = append(w.left, r)
		}
	}
	w.mu.Unlock()
	w.chosen = w.chosen[:0]
	for _, r := range w.left {
		if charge, err := r.run.charge(); err == nil && charge > r.run.weight().Bytes() {
			w.chosen = append(w.chosen, r)
		}
	}
	if len(w.chosen) == 0 && len(w.left) > 0 && (!leaving || over.rising()) {
		w.chosen = append(w.chosen, w.left[len(w.left)-1])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.chosen {
		r.killed = true
	}
	w.kills += int64(len(w.chosen))
	return w.chosen
}
