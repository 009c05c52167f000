package main

import (
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// A connCap bounds how many connections the server holds, and with them the
// memory that clients can charge by opening connections alone.
//
// When one more arrives than fits, one that loses least is closed for it (see
// standing), so that a probe always gets in, after grace at most. Only when every
// connection has a request in work is the new one closed instead.
type connCap struct {
	max  int           // connections, at least 1
	tail time.Duration // how long a closed connection may take to deliver its last bytes

	mu    sync.Mutex
	conns map[*cappedConn]struct{} // every connection that still holds kernel memory
	ticks uint64                   // changes of standing so far: the clock that tells old from new
}

// newConnCap returns a cap of max connections. A connection that the server
// closed counts until its peer has taken its last bytes, at most tail.
func newConnCap(limit int, tail time.Duration) *connCap {
	return &connCap{max: limit, tail: tail, conns: make(map[*cappedConn]struct{})}
}

// standing is where a connection stands, in the order in which connections are
// given up for a new one: first what costs its peer nothing.
type standing int

const (
	idle    standing = iota // between two requests: the peer opens another
	fresh                   // the headers of its first request are not complete
	asking                  // fresh, and bytes of it wait to be read; seen only when one must be given up
	closing                 // closed by the server; the end of its last reply is still on its way
	active                  // a request is in work: never given up
)

// grace is how long a new connection is kept in any case: in a burst the accepting
// would outrun the reading, and give up a probe before anybody has looked at what it
// asks. Those that come meanwhile wait in the kernel; with 128 places that is nobody
// until there are 6,400 a second.
const grace = 20 * time.Millisecond

// Listen wraps l so that what it accepts counts. Its Accept hands out
// *cappedConn.
func (c *connCap) Listen(l *net.TCPListener) net.Listener {
	return &cappedListener{TCPListener: l, cap: c}
}

// ConnState is the http.Server's hook of that name. net/http reports
// StateActive when a request's headers are complete, not at their first byte:
// what sends headers slowly stays fresh, or idle, and can be given up.
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
	case http.StateNew, http.StateHijacked, http.StateClosed:
		// Accept has entered it; Close removes it; nothing here hijacks.
	}
}

// admit enters a connection just accepted, closing another where it must.
// It returns nil when every one has a request in work and takes its reply. It is
// called by one goroutine.
func (c *connCap) admit(tcp *net.TCPConn) *cappedConn {
	c.mu.Lock()
	var victim *cappedConn
	for len(c.conns) >= c.max {
		if victim = c.leastLoss(); victim == nil {
			c.mu.Unlock()
			return nil
		}
		if young := grace - time.Since(victim.accepted); victim.standing == fresh && young > 0 {
			c.mu.Unlock()
			time.Sleep(young)
			c.mu.Lock()
			victim = nil // the server may have read from it, or closed another
			continue
		}
		delete(c.conns, victim)
		break
	}
	conn := &cappedConn{TCPConn: tcp, cap: c, accepted: time.Now(), standing: fresh, since: c.tick()}
	c.conns[conn] = struct{}{}
	c.mu.Unlock()
	if victim != nil {
		victim.abort()
	}
	return conn
}

// leastLoss is the connection to give up, the oldest of its standing, or nil.
// The caller holds c.mu. It looks at each: only a full cap pays for that.
func (c *connCap) leastLoss() *cappedConn {
	var least *cappedConn
	leastStanding := active
	for conn := range c.conns {
		if conn.standing == active {
			continue
		}
		standing := conn.standing
		if standing == fresh {
			// In a burst of connections a probe that has asked looks as fresh as
			// those that are silent, until its goroutine gets to run.
			if n, err := unread(conn); err == nil && n > 0 {
				standing = asking
			}
		}
		if least == nil || standing < leastStanding || standing == leastStanding && conn.since < least.since {
			least, leastStanding = conn, standing
		}
	}
	if least == nil {
		least = c.oldestStalled()
	}
	return least
}

// oldestStalled is the oldest connection whose peer has not taken what was written
// to it, or nil. A request costs a few bytes, its reply a send buffer: without this,
// clients that ask and never read would keep everybody else out, probes included.
// The caller holds c.mu.
func (c *connCap) oldestStalled() *cappedConn {
	var oldest *cappedConn
	for conn := range c.conns {
		if oldest != nil && conn.since >= oldest.since {
			continue
		}
		if n, err := unacknowledged(conn); err == nil && n > 0 {
			oldest = conn
		}
	}
	return oldest
}

// move notes a change of standing, unless the connection was given up or is
// closing already.
func (c *connCap) move(conn *cappedConn, to standing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.conns[conn]; ok && conn.standing != closing {
		conn.standing, conn.since = to, c.tick()
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
	return true
}

// remove takes a connection out of the count, if it still was in it.
func (c *connCap) remove(conn *cappedConn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

// tick advances the clock. The caller holds c.mu.
func (c *connCap) tick() uint64 {
	c.ticks++
	return c.ticks
}

// cappedListener is the listener side of a connCap.
type cappedListener struct {
	*net.TCPListener
	cap *connCap
}

// Accept returns the next connection that there is room for.
func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		tcp, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		if conn := l.cap.admit(tcp); conn != nil {
			return conn, nil
		}
		_ = tcp.Close() // nothing was read or written: there is nothing to lose or to report
	}
}
