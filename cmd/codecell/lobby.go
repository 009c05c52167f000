package main

import (
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
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

	// Only Accept touches these.
	waiting []*visitor // the oldest first
	noPlace time.Time  // until then there is none but for health checks, if no standing changes
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
	looked time.Time // when it was looked at last
	begun  bool      // it has sent something
	known  bool      // enough to know whether it is a health check
	check  bool      // it is one
	gone   bool      // its peer has left
}

// look reads, and leaves there, how a visitor's request begins: at once, and then once in
// a glance, as among a crowd somebody comes far more often than that.
func (v *visitor) look(now time.Time) {
	if v.known || now.Sub(v.looked) < glance {
		return
	}
	v.looked = now
	var start [function.HealthCheckLength]byte
	switch n, err := peek(v.conn, start[:]); {
	case err != nil:
		v.gone = !errors.Is(err, syscall.EAGAIN)
	case n == 0:
		v.gone = true
	default:
		v.begun, v.check = true, function.IsHealthCheck(start[:n])
		v.known = v.check || n == len(start)
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
		if conn, wait := y.admit(); conn != nil {
			return conn, nil
		} else if err := y.await(wait); err != nil {
			return nil, err
		}
	}
}

// admit hands out the connection that has got a place: the first health check, or else
// who came first. If there is none, wait is how long at most until there may be. Only
// where there is no place for everybody are visitors looked at.
func (y *lobby) admit() (conn *cappedConn, wait time.Duration) {
	if len(y.waiting) == 0 {
		return nil, 0
	}
	now, next := time.Now(), 0
	if y.cap.full() {
		for _, v := range y.waiting {
			v.look(now)
		}
		y.turnAway(func(v *visitor) bool { return v.gone || !now.Before(v.until) })
		if len(y.waiting) == 0 {
			return nil, 0
		}
		next = slices.IndexFunc(y.waiting, func(v *visitor) bool { return v.check })
		if next < 0 && now.Before(y.noPlace) {
			return nil, y.noPlace.Sub(now)
		}
		next = max(next, 0)
	}
	v := y.waiting[next]
	if wait = y.cap.admit(v.conn, v.check); wait == 0 {
		y.waiting = slices.Delete(y.waiting, next, next+1)
		return v.conn, 0
	}
	if !v.check {
		y.noPlace = now.Add(wait)
	}
	return nil, wait
}

// await returns when somebody has come or may have got a place, for want of better
// after wait.
func (y *lobby) await(wait time.Duration) error {
	arrivals, changed := y.arrivals, y.cap.changed
	var late <-chan time.Time
	silent := slices.IndexFunc(y.waiting, func(v *visitor) bool { return !v.begun })
	if silent >= 0 {
		wait = min(wait, glance)
	}
	if len(y.waiting) > 0 {
		late = time.After(min(wait, time.Until(y.waiting[0].until)))
	} else {
		changed = nil // nobody waits for it
	}
	full := len(y.waiting) == function.Lobby
	if full && silent < 0 {
		arrivals = nil
	}
	select {
	case a := <-arrivals:
		if a.err != nil {
			return a.err
		}
		if full { // who has not begun to ask loses least
			_ = y.waiting[silent].conn.TCPConn.Close()
			y.waiting = slices.Delete(y.waiting, silent, silent+1)
		}
		y.waiting = append(y.waiting, &visitor{conn: &cappedConn{TCPConn: a.conn, cap: y.cap}, until: time.Now().Add(turn)})
	case <-changed:
		y.noPlace = time.Time{}
	case <-late:
	case <-y.closed:
		y.turnAway(func(*visitor) bool { return true })
		return net.ErrClosed
	}
	return nil
}

// turnAway closes some of those that wait. Nothing was taken from them or written to
// them: there is nothing to lose or to report.
func (y *lobby) turnAway(who func(*visitor) bool) {
	y.waiting = slices.DeleteFunc(y.waiting, func(v *visitor) bool {
		if who(v) {
			_ = v.conn.TCPConn.Close()
			return true
		}
		return false
	})
}

// Close closes the listener, and every connection that has no place yet.
func (y *lobby) Close() error {
	y.close()
	return y.TCPListener.Close()
}
