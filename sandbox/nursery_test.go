//go:build linux

package sandbox

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A nursery hands out zygotes without a process, and ends them as a process
// would end: once killed, or told to retire. Its time is a synctest bubble's.
type nursery struct {
	t     *testing.T
	began time.Time

	mu          sync.Mutex
	fail        int           // how many starts fail from now on
	delay       time.Duration // how long a start takes
	starts      []time.Duration
	alive, most int
}

// keeper returns one with its first zygote, closed when the test ends.
func (n *nursery) keeper(limits ZygoteLimits) *keeper {
	n.began = time.Now()
	first, err := n.start()
	if err != nil {
		n.t.Fatal(err)
	}
	k := newKeeper(first, n.start, limits, func(*zygote) {}, slog.New(slog.DiscardHandler))
	n.t.Cleanup(k.close)
	return k
}

func (n *nursery) start() (*zygote, error) {
	time.Sleep(n.delay)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.starts = append(n.starts, time.Since(n.began))
	if n.fail > 0 {
		n.fail--
		return nil, errors.New("no python today")
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	conn, err := connFrom(ours)
	if err != nil {
		return nil, err
	}
	end, err := connFrom(theirs)
	if err != nil {
		return nil, err
	}
	n.alive++
	n.most = max(n.most, n.alive)
	// Reaped: so that kill only notes the reason.
	z := &zygote{pid: len(n.starts), born: time.Now(), conn: conn, dead: make(chan struct{}), reaped: true}
	go func() {
		for z.why.Load() == nil && !closed(end) {
			time.Sleep(time.Millisecond)
		}
		// Not at the test's end: there a keeper that is not closed yet would take it
		// for a loss, and start another.
		conn.Close()
		end.Close()
		n.mu.Lock()
		n.alive--
		n.mu.Unlock()
		close(z.dead)
	}()
	return z, nil
}

// closed reports whether the other side has ended its half of the connection.
func closed(conn *net.UnixConn) (eof bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		n, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_DONTWAIT)
		eof = n == 0 && err == nil
	})
	return eof || err != nil
}

func (n *nursery) count() (alive, most, starts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.alive, n.most, len(n.starts)
}

func mustAcquire(t *testing.T, k *keeper) *zygote {
	t.Helper()
	z, err := k.acquire()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// soon lets everything happen that waits for nothing but the fake processes.
func soon() { time.Sleep(5 * time.Millisecond) }
