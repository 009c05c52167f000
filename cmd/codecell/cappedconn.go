package main

import (
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// tailPoll is how often a closing connection is asked whether its peer has
// acknowledged everything. The kernel has no event for it.
const tailPoll = 50 * time.Millisecond

// A cappedConn is a connection that counts in a connCap until the kernel holds
// nothing for it any more.
//
// That is later than its close: what was written and not acknowledged stays in
// memory, a full send buffer for minutes, without any descriptor that could
// count. A client that asks for `Connection: close` and never reads would have
// the server forget one such buffer per request.
type cappedConn struct {
	*net.TCPConn
	cap    *connCap
	urgent bool        // it has a place of the health checks': set when it is counted, and never after
	heard  atomic.Bool // something was read from it
	waits  atomic.Bool // a Read is under way

	closeOnce sync.Once
	closeErr  error

	// Guarded by cap.mu.
	standing standing
	since    uint64    // cap's clock when it came to stand so
	young    time.Time // until when it is kept in any case, while unheard or fresh
	tail     *os.File  // closing only: the socket's last descriptor
	stuck    time.Time // since when its peer has taken nothing of what is there, see stalled
	taken    uint64    // bytes that it had taken by then, in all
}

// Read notes the first bytes. Before any further ones it lets others go first: what has
// arrived whole, a header of 16 KiB or a body of 1 MiB, would be read to its end in one
// slice of the scheduler's, and a probe would wait for all of those that came before
// it. Before, not after: what is still unread counts for its connection (see loss).
func (c *cappedConn) Read(b []byte) (int, error) {
	if c.heard.Load() {
		runtime.Gosched()
	}
	c.waits.Store(true)
	n, err := c.TCPConn.Read(b)
	c.waits.Store(false)
	if n > 0 && c.heard.CompareAndSwap(false, true) {
		c.cap.hear(c)
	}
	return n, err
}

// CloseWrite is what net/http does when it has written its last reply on a
// connection. It then lingers for half a second, for clients that are still sending.
func (c *cappedConn) CloseWrite() error {
	c.cap.move(c, answered)
	return c.TCPConn.CloseWrite()
}

// loss is how c stands when it comes to giving up one, at the moment now. While keep
// is above 0 it must not be. The caller holds cap.mu.
func (c *cappedConn) loss(now time.Time) (at standing, keep time.Duration) {
	switch c.standing {
	case answered:
		if n, err := unacknowledged(c); err == nil && n > 0 {
			return closing, 0
		}
	case idle:
		if n, err := unread(c); err == nil && n > 0 {
			return idle, grace // the next request, which is about to be read
		}
	case fresh, unheard:
		if !c.waits.Load() {
			return c.standing, grace // net/http is at what it has read, or is about to read
		}
		if keep := c.young.Sub(now); keep > 0 {
			return c.standing, keep
		}
		if n, err := unread(c); err == nil && n > 0 && !c.heard.Load() {
			return c.standing, grace // the first bytes, which are about to be read
		}
	case closing, active:
	}
	return c.standing, 0
}

// Close closes the connection as net.TCPConn's does, at once and for every
// reader and writer. Where bytes are still on their way, a second descriptor
// keeps the socket in the count until they have arrived.
func (c *cappedConn) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *cappedConn) close() error {
	if n, err := unacknowledged(c); err == nil && n > 0 {
		// On an error nothing is held back and the kernel closes as it always does.
		if tail, err := c.File(); err == nil {
			if c.cap.hold(c, tail) {
				_ = c.TCPConn.CloseWrite() // FIN after the last byte; close(2) of one of two descriptors sends none
				go c.deliver(tail)
			} else { // given up for another connection just now
				drop(tail)
			}
			return c.TCPConn.Close()
		}
	}
	c.cap.remove(c)
	return c.TCPConn.Close()
}

// deliver waits until the peer has acknowledged everything, or until the time
// for it is over, and gives the socket back. It ends early when the connection
// is given up: its tail is closed then.
func (c *cappedConn) deliver(tail *os.File) {
	poll := time.NewTicker(tailPoll)
	defer poll.Stop()
	overdue := time.After(c.cap.tail)
	for {
		select {
		case <-poll.C:
			if n, err := unacknowledged(tail); err == nil && n > 0 {
				continue
			}
			_ = tail.Close() // all has arrived: an ordinary end
		case <-overdue:
			drop(tail)
		}
		// Only now: until here the kernel held something. Where it was given up
		// meanwhile, its tail was closed then, and here nothing happens again.
		c.cap.remove(c)
		return
	}
}

// abort closes a connection that was given up for another. What its peer has
// not acknowledged is dropped: to keep it would hold the memory that the new
// connection is about to take. The caller has taken it out of the count.
func (c *cappedConn) abort() {
	c.cap.mu.Lock()
	tail := c.tail
	c.cap.mu.Unlock()
	if tail != nil {
		drop(tail)
		return
	}
	c.closeOnce.Do(func() {
		if n, err := unacknowledged(c); err == nil && n > 0 {
			_ = resetOnClose(c)
		}
		c.closeErr = c.TCPConn.Close()
	})
}

// drop closes the last descriptor of a socket and with it whatever its peer
// has not acknowledged.
func drop(tail *os.File) {
	_ = resetOnClose(tail)
	_ = tail.Close()
}
