package main

import (
	"cmp"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"codecell/function"
)

// A connCap bounds how many connections the server holds, and with them the
// memory that clients can charge by opening connections alone.
//
// When one more arrives than fits, one that loses least is closed for it (see
// standing), so that a probe always gets in. What has asked for something and was
// not read yet is waited for, as the server is about to read it: it is our delay, not
// its peer's. Only when every connection has a request in work does the new one wait
// (see lobby).
type connCap struct {
	max  int           // connections, at least 1
	tail time.Duration // how long a closed connection may take to deliver its last bytes

	changed chan struct{} // holds a token when a standing has changed since it was last taken

	mu     sync.Mutex
	conns  map[*cappedConn]struct{} // every connection that still holds kernel memory
	urgent int                      // those of them that have a place of the health checks'
	ticks  uint64                   // changes of standing so far: the clock that tells old from new
}

// newConnCap returns a cap of max connections. A connection that the server
// closed counts until its peer has taken its last bytes, at most tail.
func newConnCap(limit int, tail time.Duration) *connCap {
	return &connCap{max: limit, tail: tail, changed: make(chan struct{}, 1), conns: make(map[*cappedConn]struct{})}
}

// standing is where a connection stands, in the order in which connections are
// given up for a new one: first what costs its peer nothing.
type standing int

const (
	answered standing = iota // for the last time, and the answer has arrived: net/http lingers on it
	idle                     // between two requests: the peer opens another
	fresh                    // the headers of its first request have begun and are not complete
	unheard                  // it has not even begun: a probe, if its machine is slow
	closing                  // closed by the server; the end of its last reply is still on its way
	active                   // a request is in work: never given up
)

// grace is how long a new connection is kept in any case, for its peer to ask and
// for net/http to see that the headers are complete: from the accept, and again from
// its first byte. Those that come meanwhile wait in the lobby; with 128 places that
// is nobody until there are 64,000 a second.
const grace = 2 * time.Millisecond

// stalledPoll is how long at most until it is looked again whether a peer has stopped to
// take its reply. The kernel has no event for it.
const stalledPoll = 50 * time.Millisecond

// stallTime is how long a peer takes nothing before it counts as stalled: longer than most
// ways there and back are, and well below the patience of who waits for its place.
const stallTime = 200 * time.Millisecond

// ConnState is the http.Server's hook of that name. net/http reports
// StateActive when a request's headers are complete, not at their first byte:
// what sends headers slowly stays fresh, or idle, and can be given up. StateIdle
// comes when the whole reply was handed to the kernel.
func (c *connCap) ConnState(conn net.Conn, state http.ConnState) {
	capped, ok := conn.(*cappedConn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		c.move(capped, active)
	case http.StateIdle:
		c.move(capped, idle)
		// Who has sent its next request already would keep the processor for the
		// scheduler's whole time slice of 10 ms, and 64 of them a probe waiting for 640.
		runtime.Gosched()
	case http.StateNew, http.StateHijacked, http.StateClosed:
		// Accept has entered it; Close removes it; nothing here hijacks.
	}
}

// full reports whether there is no place without closing another connection, but for
// those that only health checks have.
func (c *connCap) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)-c.urgent >= c.max
}

// admit counts conn, closing another for it where it must, and returns 0; or it returns
// how long at most until there may be a place: until then, or until a standing has
// changed, there is none. Where others would wait, a health check gets a place that
// nobody else gets.
func (c *connCap) admit(conn *cappedConn, check bool) (wait time.Duration) {
	victim, wait := c.enter(conn, check)
	if victim != nil {
		victim.abort()
	}
	return wait
}

// enter is admit, but for the connection that was given up, which the caller is to abort.
func (c *connCap) enter(conn *cappedConn, check bool) (victim *cappedConn, wait time.Duration) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if taken := len(c.conns) - c.urgent; taken >= c.max {
		victim, wait = c.leastLoss(now, false)
		if conn.urgent = victim == nil && check; conn.urgent && c.urgent >= function.HealthChecks {
			victim, _ = c.leastLoss(now, true)
			conn.urgent = victim != nil
		}
		if victim == nil && !conn.urgent {
			return nil, cmp.Or(wait, stalledPoll)
		}
		c.forget(victim)
	}
	conn.standing, conn.young, conn.since = unheard, now.Add(grace), c.tick()
	c.conns[conn] = struct{}{}
	if conn.urgent {
		c.urgent++
	}
	return victim, 0
}

// forget takes a connection out of the count, if it is in it. The caller holds c.mu.
func (c *connCap) forget(conn *cappedConn) {
	if _, ok := c.conns[conn]; !ok {
		return
	}
	delete(c.conns, conn)
	if conn.urgent {
		c.urgent--
	}
}

// leastLoss is the connection to give up, the oldest of its standing, or nil. Then
// wait is how long it takes until the next may be, or 0 if all are active. Only those
// are looked at that are as urgent. The caller holds c.mu. Only a full cap pays for it.
func (c *connCap) leastLoss(now time.Time, urgent bool) (least *cappedConn, wait time.Duration) {
	leastStanding := active
	loses := func(at standing, conn *cappedConn) bool {
		return at < leastStanding || least != nil && at == leastStanding && conn.since < least.since
	}
	for conn := range c.conns {
		if conn.urgent != urgent || !loses(conn.standing, conn) {
			continue // nor would it at a closer look, which can only raise it
		}
		at, keep := conn.loss(now)
		switch {
		case keep > 0 && wait == 0:
			wait = keep
		case keep > 0:
			wait = min(wait, keep)
		case loses(at, conn):
			least, leastStanding = conn, at
		}
	}
	if least == nil && wait == 0 {
		least = c.oldestStalled(now, urgent)
	}
	return least, wait
}

// oldestStalled is the oldest connection whose peer does not take what was written
// to it, or nil. A request costs a few bytes, its reply a send buffer: without this,
// clients that ask and never read would keep everybody else out, probes included.
// The caller holds c.mu.
func (c *connCap) oldestStalled(now time.Time, urgent bool) *cappedConn {
	var oldest *cappedConn
	for conn := range c.conns {
		if conn.urgent == urgent && conn.stalled(now) && (oldest == nil || conn.since < oldest.since) {
			oldest = conn
		}
	}
	return oldest
}

// stalled reports whether the peer had something to take at every look for stallTime, and
// took nothing of it. An answer that is sent while its program runs has something on its
// way now and then, for as long as the way is. The caller holds cap.mu.
func (c *cappedConn) stalled(now time.Time) bool {
	pending, taken, err := outgoing(c)
	switch {
	case err != nil || pending == 0:
		c.stuck = time.Time{}
	case c.stuck.IsZero() || taken != c.taken:
		c.stuck, c.taken = now, taken
	default:
		return now.Sub(c.stuck) >= stallTime
	}
	return false
}

// move notes a change of standing, unless the connection was given up or is
// closing already.
func (c *connCap) move(conn *cappedConn, to standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.conns[conn]; ok && conn.standing != closing {
		conn.standing, conn.since = to, c.tick()
		c.tell()
	}
}

// hear notes the first bytes of a connection.
func (c *connCap) hear(conn *cappedConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.standing == unheard {
		conn.standing, conn.young = fresh, time.Now().Add(grace)
	}
	c.tell()
}

// tell wakes who waits for a standing to change. The caller holds c.mu.
func (c *connCap) tell() {
	select {
	case c.changed <- struct{}{}:
	default: // a token is there already
	}
}

// hold keeps a closed connection in the count by a second descriptor for it.
// It is false when the connection was given up meanwhile.
func (c *connCap) hold(conn *cappedConn, tail *os.File) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.conns[conn]; !ok {
		return false
	}
	conn.standing, conn.since, conn.tail = closing, c.tick(), tail
	c.tell()
	return true
}

// remove takes a connection out of the count, if it still was in it.
func (c *connCap) remove(conn *cappedConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(conn)
	c.tell()
}

// tick advances the clock. The caller holds c.mu.
func (c *connCap) tick() uint64 {
	c.ticks++
	return c.ticks
}
