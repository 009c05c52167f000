//go:build linux

package sandbox

import (
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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
	n.t.Cleanup(func() { conn.Close(); end.Close() })
	n.alive++
	n.most = max(n.most, n.alive)
	// Reaped: so that kill only notes the reason.
	z := &zygote{pid: len(n.starts), born: time.Now(), conn: conn, dead: make(chan struct{}), reaped: true}
	go func() {
		for z.why.Load() == nil && !closed(end) {
			time.Sleep(time.Millisecond)
		}
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

func TestKeeperReplacesALostZygote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nursery{t: t, delay: 80 * time.Millisecond}
		k := n.keeper(ZygoteLimits{MaxRuns: 100, MaxAge: time.Hour})
		lost := mustAcquire(t, k)
		lost.kill("test")
		soon()
		if err := k.ready(); !errors.Is(err, ErrNotReady) {
			t.Errorf("ready says %v, want ErrNotReady", err)
		}
		if _, err := k.acquire(); !errors.Is(err, ErrNotReady) {
			t.Errorf("acquire: %v, want ErrNotReady", err)
		}
		k.release(lost) // by a run that was lost with it: too late to mean anything
		time.Sleep(n.delay)
		if err := k.ready(); err != nil {
			t.Errorf("ready says %v once another is warm", err)
		}
		if z := mustAcquire(t, k); z == lost {
			t.Error("the lost zygote is handed out")
		}
	})
}

func TestKeeperWaitsLongerAfterEachFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nursery{t: t}
		k := n.keeper(ZygoteLimits{MaxRuns: 100, MaxAge: time.Hour})
		n.fail = 10
		mustAcquire(t, k).kill("test")
		time.Sleep(time.Second)
		if err := k.ready(); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), "no python today") {
			t.Errorf("ready says %v, want ErrNotReady and why", err)
		}
		time.Sleep(time.Minute)
		if err := k.ready(); err != nil {
			t.Errorf("ready says %v after the failures", err)
		}
		var pauses []time.Duration
		for i, at := range n.starts[2:] {
			pauses = append(pauses, at-n.starts[i+1])
		}
		const ms = time.Millisecond
		want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 6400 * ms, lastPause, lastPause, lastPause}
		if !slices.Equal(pauses, want) {
			t.Errorf("pauses %v, want %v", pauses, want)
		}
	})
}

func TestKeeperReplacesByPlan(t *testing.T) {
	for name, limits := range map[string]ZygoteLimits{
		"runs": {MaxRuns: 3, MaxAge: time.Hour},
		"age":  {MaxRuns: 1000, MaxAge: 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &nursery{t: t, delay: 80 * time.Millisecond}
				k := n.keeper(limits)
				// A long run keeps the old one: it is not ended, and nothing more is started.
				long := mustAcquire(t, k)
				for range 50 {
					z := mustAcquire(t, k)
					time.Sleep(100 * time.Millisecond)
					k.release(z)
				}
				if alive, most, starts := n.count(); alive != 2 || most != 2 || starts != 2 {
					t.Errorf("%d alive, at most %d, %d started; want 2 of each: one retires", alive, most, starts)
				}
				if z := mustAcquire(t, k); z == long {
					t.Error("the retiring one takes work")
				} else {
					k.release(z)
				}
				select {
				case <-long.dead:
					t.Error("ended with a run in flight")
				default:
				}
				k.release(long)
				soon()
				select {
				case <-long.dead:
				default:
					t.Error("the last run is done, and the retiring one lives on")
				}
				for range 50 {
					z := mustAcquire(t, k)
					time.Sleep(100 * time.Millisecond)
					k.release(z)
				}
				if _, most, starts := n.count(); most > zygotesAtOnce || starts < 10 {
					t.Errorf("at most %d at once, %d started; want %d and more than 10", most, starts, zygotesAtOnce)
				}
			})
		})
	}
}

func TestKeeperCloses(t *testing.T) {
	for name, before := range map[string]func(n *nursery, k *keeper){
		"idle":               func(*nursery, *keeper) {},
		"during a start":     func(n *nursery, k *keeper) { n.delay = time.Second; mustAcquire(n.t, k).kill("test"); soon() },
		"between two starts": func(n *nursery, k *keeper) { n.fail = 100; mustAcquire(n.t, k).kill("test"); time.Sleep(time.Minute) },
		"with one retiring": func(n *nursery, k *keeper) {
			mustAcquire(n.t, k)
			mustAcquire(n.t, k)
			soon()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &nursery{t: t}
				k := n.keeper(ZygoteLimits{MaxRuns: 2, MaxAge: time.Hour})
				before(n, k)
				k.close()
				if alive, _, _ := n.count(); alive != 0 {
					t.Errorf("%d zygotes are alive after close", alive)
				}
				if _, err := k.acquire(); !errors.Is(err, ErrClosed) {
					t.Errorf("acquire: %v, want ErrClosed", err)
				}
				if err := k.ready(); !errors.Is(err, ErrClosed) {
					t.Errorf("ready: %v, want ErrClosed", err)
				}
			})
		})
	}
}
