package function

import (
	"context"
	"sync"
	"time"

	"codecell/sandbox"
)

// linePerSlot is how many requests may wait for each slot, where
// SANDBOX_MAX_WAIT lets them wait at all.
const linePerSlot = 4

// reapWait is how long a reservation waits for runs that are already killed and
// only have to be reaped. It makes no queue of a gate without one: what it waits
// for has ended, and the kernel takes milliseconds to clear it away.
const reapWait = time.Second

// gate is admission: how many runs there may be at once, and how many MiB they
// may weigh together. A run's reservation is held until its process is reaped,
// so what the gate has given out is never less than what the kernel charges.
//
// Whoever waits does so in one line, first come, first served: a light request
// never overtakes a heavy one, and a newcomer never overtakes anybody.
type gate struct {
	slots   int
	budget  sandbox.MiB   // for all runs together
	maxWait time.Duration // 0: refuse at once

	mu     sync.Mutex
	closed bool
	held   map[*reservation]struct{}
	used   sandbox.MiB // by held
	places int         // given out by Join, without a reservation yet
	line   []*waiter
}

func newGate(slots int, budget sandbox.MiB, maxWait time.Duration) *gate {
	return &gate{slots: slots, budget: budget, maxWait: maxWait, held: make(map[*reservation]struct{})}
}

// waiter is a request in the line. It is granted, or woken by Close, by closing
// ready after granted or err was set.
type waiter struct {
	place   *place
	weight  sandbox.MiB
	timeout time.Duration
	ready   chan struct{}
	granted *reservation
	err     error
}

// place is the right to ask for a reservation: what a request holds from the
// check before its body is read until it runs or gives up.
type place struct {
	gate *gate
	left bool // under gate.mu
}

// Join is the check before a body is read: it refuses, with a *capacityError or
// errDraining, a request that could not be let in if it asked now. Without
// SANDBOX_MAX_WAIT it binds nothing: who has its body first gets the slot.
//
// The caller must call Leave on the place, also after Reserve.
func (g *gate) Join() (*place, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errDraining
	}
	room := g.alive()+len(g.line) < g.slots
	if g.maxWait > 0 {
		room = len(g.held)+g.places < g.slots*(1+linePerSlot)
	}
	if !room {
		return nil, g.full("slots")
	}
	g.places++
	return &place{gate: g}, nil
}

// Leave gives the place up. It may be called more than once.
func (p *place) Leave() {
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.leave()
}

func (p *place) leave() {
	if !p.left {
		p.left = true
		p.gate.places--
	}
}

// Reserve takes a slot and weight MiB for a run that lasts at most timeout. It
// waits at most gate.maxWait, or reapWait for room that runs already killed are
// about to give back; without a reason to wait it decides at once.
//
// Errors: *capacityError, errDraining, or context.Cause(ctx). With a nil error
// the caller must Release the reservation.
func (p *place) Reserve(ctx context.Context, weight sandbox.MiB, timeout time.Duration) (*reservation, error) {
	g := p.gate
	g.mu.Lock()
	wait := g.maxWait
	switch {
	case g.closed:
		g.mu.Unlock()
		return nil, errDraining
	case len(g.line) == 0 && g.fits(weight):
		defer g.mu.Unlock()
		return g.take(p, weight, timeout), nil
	case g.fitsOnceReaped(weight):
		wait = max(wait, reapWait)
	case wait == 0:
		defer g.mu.Unlock()
		return nil, g.full(g.lacking(weight))
	}
	w := &waiter{place: p, weight: weight, timeout: timeout, ready: make(chan struct{})}
	g.line = append(g.line, w)
	g.mu.Unlock()
	return g.await(ctx, w, wait)
}

// await returns when w was granted its reservation or gives up its place in the
// line. A grant that crosses with a caller who left is given back.
func (g *gate) await(ctx context.Context, w *waiter, wait time.Duration) (*reservation, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-w.ready:
		return w.granted, w.err
	case <-timer.C:
	case <-ctx.Done():
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	if w.granted != nil {
		if ctx.Err() == nil {
			return w.granted, nil
		}
		w.granted.release()
		return nil, context.Cause(ctx)
	}
	if w.err != nil {
		return nil, w.err
	}
	reason := g.lacking(w.weight)
	g.drop(w)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, g.full(reason)
}

// drop takes w out of the line, which may let those behind it in.
func (g *gate) drop(w *waiter) {
	for i, other := range g.line {
		if other == w {
			g.line = append(g.line[:i], g.line[i+1:]...)
			break
		}
	}
	g.grant()
}

// grant lets in from the head of the line whoever fits, and nobody past one who
// does not. The caller holds mu.
func (g *gate) grant() {
	for len(g.line) > 0 && g.fits(g.line[0].weight) {
		w := g.line[0]
		g.line = g.line[1:]
		w.granted = g.take(w.place, w.weight, w.timeout)
		close(w.ready)
	}
}

// take records a reservation. The caller holds mu and knows that it fits.
func (g *gate) take(p *place, weight sandbox.MiB, timeout time.Duration) *reservation {
	p.leave()
	now := time.Now()
	r := &reservation{gate: g, weight: weight, start: now, deadline: now.Add(timeout)}
	g.held[r] = struct{}{}
	g.used += weight
	return r
}

// Close refuses every further reservation and wakes those who wait for one.
// Reservations held stay valid. It may be called more than once.
func (g *gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, w := range g.line {
		w.err = errDraining
		close(w.ready)
	}
	g.line = nil
}

// Closed says whether Close was called.
func (g *gate) Closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// reservation is a slot and some of the budget, held for one run.
type reservation struct {
	gate     *gate
	weight   sandbox.MiB
	start    time.Time
	deadline time.Time // when the run will have been killed at the latest

	// Under gate.mu.
	dying    bool
	released bool
}

// Dying says that the run has been killed and has only to be reaped.
func (r *reservation) Dying() {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	r.dying = true
}

// Release gives back what the run held. It must not be called before the run's
// process is reaped, and may be called more than once.
func (r *reservation) Release() {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	r.release()
}

func (r *reservation) release() {
	if r.released {
		return
	}
	r.released = true
	delete(r.gate.held, r)
	r.gate.used -= r.weight
	r.gate.grant()
}
