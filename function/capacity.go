package function

import (
	"fmt"
	"time"

	"codecell/sandbox"
)

// capacityError refuses a request because there is no room for it now, and says
// when there will be.
type capacityError struct {
	// lacks says what there is no room in: "slots" or "memory", or "intake" for
	// bodies and replies.
	lacks string
	// running is how many runs there are, and oldest the age of the first of them.
	running int
	oldest  time.Duration
	// free is the time to the earliest deadline of a run: by then at the latest
	// a slot is free again. Zero when nothing runs, or when a run is past it.
	free time.Duration
}

func (e *capacityError) Error() string {
	if e.running == 0 {
		return fmt.Sprintf("no room in %s", e.lacks)
	}
	return fmt.Sprintf("no room in %s: runs %d, oldest %v, earliest deadline in %v", e.lacks, e.running, e.oldest, e.free)
}

// retryAfter is when to try again, in whole seconds: what the oldest run has
// taken so far is the best guess at what it will still take, and its deadline,
// or an earlier one, bounds that. At least 1.
func (e *capacityError) retryAfter() int64 {
	return max(1, min(ceilSeconds(e.oldest), ceilSeconds(e.free)))
}

func ceilSeconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}

// full describes the runs in flight to somebody who is refused. The caller
// holds mu.
func (g *gate) full(lacks string) *capacityError {
	e := &capacityError{lacks: lacks, running: len(g.held)}
	now := time.Now()
	first := true
	for r := range g.held {
		e.oldest = max(e.oldest, now.Sub(r.start))
		if free := max(0, r.deadline.Sub(now)); first || free < e.free {
			e.free = free
		}
		first = false
	}
	return e
}

// Full describes the runs in flight to somebody who is refused for another
// reason than the gate's own.
func (g *gate) Full(lacks string) *capacityError {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.full(lacks)
}

// fits says whether a run of this weight may start now, the line aside.
func (g *gate) fits(weight sandbox.MiB) bool {
	return len(g.held) < g.slots && g.used+weight <= g.budget
}

// fitsOnceReaped says whether a run of this weight may start, behind all who
// wait already, as soon as the runs that are killed have been reaped.
func (g *gate) fitsOnceReaped(weight sandbox.MiB) bool {
	used := weight
	for r := range g.held {
		if !r.dying {
			used += r.weight
		}
	}
	for _, w := range g.line {
		used += w.weight
	}
	return g.alive()+len(g.line) < g.slots && used <= g.budget
}

// alive is how many runs have not been killed.
func (g *gate) alive() int {
	n := 0
	for r := range g.held {
		if !r.dying {
			n++
		}
	}
	return n
}

// lacking says what a run of this weight lacks room in.
func (g *gate) lacking(weight sandbox.MiB) string {
	if len(g.held) < g.slots && g.used+weight > g.budget {
		return "memory"
	}
	return "slots"
}

// occupancy is the gate as /profile shows it.
type occupancy struct {
	InFlight int
	Waiting  int
	Used     sandbox.MiB
}

// Occupancy counts the runs in flight, who waits for one, and the MiB in use.
func (g *gate) Occupancy() occupancy {
	g.mu.Lock()
	defer g.mu.Unlock()
	return occupancy{InFlight: len(g.held), Waiting: len(g.line), Used: g.used}
}
