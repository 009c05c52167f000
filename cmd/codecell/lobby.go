package main

import (
	"net"
	"slices"
	"sync"
	"time"

	"codecell/function"
)

// turn is how long a new connection waits for a place when each is taken by a request
// in work. Most of those end at once: a crowd is told 429.
const turn = 500 * time.Millisecond

// glance is how long at most until visitors that have not begun are looked at again: a
// request follows its connection at once, but may be a moment late.
const glance = 5 * time.Millisecond

// A lobby is a listener whose connections count in a connCap. It accepts at once, and
// holds those for which there is no place yet. When it is full too, others wait in
// the kernel.
//
// Health checks don't wait: among a crowd that has come at once, one would have its
// answer when everybody before it has theirs. All others get a place in the order in
// which they came; who has waited for the whole of its turn is closed.
type lobby struct {
	*net.TCPListener
	cap      *connCap
	arrivals chan arrival // unbuffered
	closed   chan struct{}
	close    func()

	waiting []*visitor // the oldest first; only Accept touches it
}

// An arrival is what the kernel's accept gave.
type arrival struct {
	conn *net.TCPConn
	err  error
}

// A visitor waits in the lobby until its time is over.
type visitor struct {
	conn   *cappedConn
	until  time.Time
	begun  bool // it has sent something
	urgent bool // which is how a health check begins
}

// look reads, and leaves there, how a visitor's request begins.
func (v *visitor) look() {
	if v.begun {
		return
	}
	var start [function.HealthCheckLength]byte
	if n, err := peek(v.conn, start[:]); err == nil && n > 0 {
		v.begun, v.urgent = true, function.IsHealthCheck(start[:n])
	}
}

// Listen wraps l so that what it accepts counts. Its Accept hands out *cappedConn,
// and is for one goroutine, such as http.Server's.
func (c *connCap) Listen(l *net.TCPListener) net.Listener {
	y := &lobby{TCPListener: l, cap: c, arrivals: make(chan arrival), closed: make(chan struct{})}
	y.close = sync.OnceFunc(func() { close(y.closed) })
	go y.receive()
	return y
}

// receive accepts until the lobby is closed, one ahead of Accept at most.
func (y *lobby) receive() {
	for {
		conn, err := y.AcceptTCP()
		if err == nil && limitAccepted(conn) != nil {
			_ = conn.Close() // nobody has counted on so much memory for it
			continue
		}
		select {
		case y.arrivals <- arrival{conn, err}:
		case <-y.closed:
			if err == nil {
				_ = conn.Close() // nothing was read or written
			}
			return
		}
	}
}

// Accept returns the next connection as soon as there is a place for it.
func (y *lobby) Accept() (net.Conn, error) {
	for {
		var wait time.Duration
		if i := y.next(); i >= 0 {
			v := y.waiting[i]
			if wait = y.cap.admit(v.conn, v.urgent); wait == 0 {
				y.waiting = slices.Delete(y.waiting, i, i+1)
				return v.conn, nil
			}
		}
		if err := y.await(wait); err != nil {
			return nil, err
		}
	}
}

// next is who gets the next place: the first health check, or else who came first; -1
// when nobody waits. Only where there is no place for everybody are they looked at.
func (y *lobby) next() int {
	if len(y.waiting) == 0 {
		return -1
	}
	if y.cap.full() {
		for i, v := range y.waiting {
			if v.look(); v.urgent {
				return i
			}
		}
	}
	return 0
}

// await returns when somebody has come or may have got a place, for want of better
// after wait. Those whose turn is over are closed then.
func (y *lobby) await(wait time.Duration) error {
	arrivals, changed := y.arrivals, y.cap.changed
	var late <-chan time.Time
	if len(y.waiting) > 0 {
		if slices.ContainsFunc(y.waiting, func(v *visitor) bool { return !v.begun }) {
			wait = min(wait, glance)
		}
		late = time.After(min(wait, time.Until(y.waiting[0].until)))
	} else {
		changed = nil // nobody waits for it
	}
	if len(y.waiting) == function.Lobby {
		arrivals = nil
	}
	select {
	case a := <-arrivals:
		if a.err != nil {
			return a.err
		}
		y.waiting = append(y.waiting, &visitor{conn: &cappedConn{TCPConn: a.conn, cap: y.cap}, until: time.Now().Add(turn)})
	case <-changed:
	case <-late:
	case <-y.closed:
		y.turnAway(len(y.waiting))
		return net.ErrClosed
	}
	now, overdue := time.Now(), 0
	for overdue < len(y.waiting) && !now.Before(y.waiting[overdue].until) {
		overdue++
	}
	y.turnAway(overdue)
	return nil
}

// turnAway closes the n that have waited for longest. Nothing was taken from them or
// written to them: there is nothing to lose or to report.
func (y *lobby) turnAway(n int) {
	for _, v := range y.waiting[:n] {
		_ = v.conn.TCPConn.Close()
	}
	y.waiting = slices.Delete(y.waiting, 0, n)
}

// Close closes the listener, and every connection that has no place yet.
func (y *lobby) Close() error {
	y.close()
	return y.TCPListener.Close()
}
