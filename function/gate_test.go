package function

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"codecell/sandbox"
)

const (
	whole = sandbox.MiB(512)
	half  = sandbox.MiB(256)
)

// enter joins and reserves as a request with a body that arrives at once does.
func enter(ctx context.Context, g *gate, weight sandbox.MiB, timeout time.Duration) (*reservation, error) {
	p, err := g.Join()
	if err != nil {
		return nil, err
	}
	defer p.Leave()
	return p.Reserve(ctx, weight, timeout)
}

func mustEnter(t *testing.T, g *gate, weight sandbox.MiB, timeout time.Duration) *reservation {
	t.Helper()
	r, err := enter(t.Context(), g, weight, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func refused(t *testing.T, err error, lacks string) *capacityError {
	t.Helper()
	var full *capacityError
	if !errors.As(err, &full) || full.lacks != lacks {
		t.Fatalf("got %v, want a lack of %s", err, lacks)
	}
	return full
}

func TestGateSlotsAndMemory(t *testing.T) {
	g := newGate(2, whole, 0)
	first := mustEnter(t, g, half, time.Second)
	_, err := enter(t.Context(), g, whole, time.Second)
	refused(t, err, "memory")
	second := mustEnter(t, g, half, time.Second)
	_, err = enter(t.Context(), g, 1, time.Second)
	refused(t, err, "slots")
	if now := g.Occupancy(); now != (occupancy{InFlight: 2, Used: whole}) {
		t.Errorf("occupancy %+v", now)
	}
	first.Release()
	first.Release() // gives nothing back that is another's
	if now := g.Occupancy(); now != (occupancy{InFlight: 1, Used: half}) {
		t.Errorf("occupancy %+v after a release, twice", now)
	}
	second.Release()
	mustEnter(t, g, whole, time.Second).Release()
	if now := g.Occupancy(); now != (occupancy{}) {
		t.Errorf("occupancy %+v at the end", now)
	}
}

// TestGateJoinBindsNothing: without a line, who is first to have a body is first.
func TestGateJoinBindsNothing(t *testing.T) {
	g := newGate(1, whole, 0)
	slow, err := g.Join()
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Leave()
	fast := mustEnter(t, g, whole, time.Second)
	_, err = slow.Reserve(t.Context(), whole, time.Second)
	refused(t, err, "slots")
	fast.Release()
	r, err := slow.Reserve(t.Context(), whole, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	r.Release()
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, whole, 0)
		if e := g.Full("intake"); e.retryAfter() != 1 || e.running != 0 {
			t.Errorf("idle: %+v, retry after %d", e, e.retryAfter())
		}
		mustEnter(t, g, half, 30*time.Second)
		time.Sleep(3500 * time.Millisecond)
		mustEnter(t, g, half, 10*time.Second)
		for _, step := range []struct {
			sleep time.Duration
			retry int64
			free  time.Duration
		}{
			{0, 4, 10 * time.Second},                      // the oldest is 3.5 s old
			{4 * time.Second, 6, 6 * time.Second},         // 7.5 s old, but a deadline is in 6
			{5500 * time.Millisecond, 1, time.Second / 2}, // never 0
			{2 * time.Second, 1, 0},                       // past a deadline: about to be killed
		} {
			time.Sleep(step.sleep)
			_, err := enter(t.Context(), g, half, time.Second)
			if e := refused(t, err, "slots"); e.retryAfter() != step.retry || e.free != step.free {
				t.Errorf("retry after %d, free in %v; want %d, %v", e.retryAfter(), e.free, step.retry, step.free)
			}
		}
	})
}

// TestGateWaitsForTheReap: killed runs are as good as gone, also without a line.
func TestGateWaitsForTheReap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, whole, 0)
		dying := mustEnter(t, g, whole, 10*time.Second)
		_, err := enter(t.Context(), g, half, time.Second)
		refused(t, err, "slots")

		dying.Dying()
		time.AfterFunc(300*time.Millisecond, dying.Release)
		start := time.Now()
		second := make(chan error, 1)
		go func() {
			_, err := enter(t.Context(), g, half, time.Second)
			second <- err
		}()
		synctest.Wait()
		// There is one place to be free, and it is promised.
		_, err = enter(t.Context(), g, half, time.Second)
		refused(t, err, "slots")
		if err := <-second; err != nil || time.Since(start) != 300*time.Millisecond {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestGateGivesTheReapASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, whole, 0)
		mustEnter(t, g, whole, 10*time.Second).Dying()
		start := time.Now()
		_, err := enter(t.Context(), g, half, time.Second)
		refused(t, err, "slots")
		if waited := time.Since(start); waited != reapWait {
			t.Errorf("refused after %v", waited)
		}
	})
}

// lineUp starts requests one after the other; each sends its name when let in.
func lineUp(g *gate, in chan<- string, names []string, weight func(name string) sandbox.MiB) (held map[string]*reservation) {
	held = make(map[string]*reservation)
	for _, name := range names {
		go func() {
			r, err := enter(context.Background(), g, weight(name), time.Second)
			if err != nil {
				in <- name + ": refused"
				return
			}
			held[name] = r // read only after in
			in <- name
		}()
		synctest.Wait()
	}
	return held
}

func TestGateLineIsFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, whole, 30*time.Second)
		running := mustEnter(t, g, half, time.Second)
		in := make(chan string, 10)
		// heavy does not fit beside the one that runs. light would, but it came later.
		held := lineUp(g, in, []string{"heavy", "light"}, func(name string) sandbox.MiB {
			if name == "heavy" {
				return whole
			}
			return half
		})
		if len(in) != 0 || g.Occupancy().Waiting != 2 {
			t.Fatalf("%s overtook; %+v", <-in, g.Occupancy())
		}
		running.Release()
		if got := <-in; got != "heavy" {
			t.Fatalf("%s was first", got)
		}
		synctest.Wait()
		if len(in) != 0 {
			t.Fatalf("%s runs beside heavy", <-in)
		}
		held["heavy"].Release()
		if got := <-in; got != "light" {
			t.Fatalf("%s was second", got)
		}
		held["light"].Release()
		if now := g.Occupancy(); now != (occupancy{}) {
			t.Errorf("occupancy %+v at the end", now)
		}
	})
}

func TestGateLineIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, whole, 2*time.Second)
		running := mustEnter(t, g, whole, 30*time.Second)
		in := make(chan string, 10)
		lineUp(g, in, []string{"1", "2", "3"}, func(string) sandbox.MiB { return whole })
		unread, err := g.Join() // the fourth place, held while a body is on its way
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.Join()
		refused(t, err, "slots")
		unread.Leave()
		unread.Leave()
		again, err := g.Join()
		if err != nil {
			t.Fatalf("a place given up is not free again: %v", err)
		}
		_, err = g.Join()
		refused(t, err, "slots") // though one was left twice
		again.Leave()

		start := time.Now()
		for range 3 {
			if got := <-in; got[1:] != ": refused" {
				t.Errorf("%s ran", got)
			}
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("refused after %v", waited)
		}
		running.Release()
		mustEnter(t, g, whole, time.Second).Release()
	})
}

// TestGateWhoLeavesMakesRoom: a waiter whose client left gives up its place, and
// those behind it may fit where it did not.
func TestGateWhoLeavesMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2, whole, 30*time.Second)
		running := mustEnter(t, g, half, time.Second)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := enter(ctx, g, whole, time.Second)
			left <- err
		}()
		synctest.Wait()
		in := make(chan string, 1)
		held := lineUp(g, in, []string{"light"}, func(string) sandbox.MiB { return half })
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("who left got %v", err)
		}
		<-in
		held["light"].Release()
		running.Release()
		if now := g.Occupancy(); now != (occupancy{}) {
			t.Errorf("occupancy %+v at the end", now)
		}
	})
}

// TestGateGrantToOneWhoLeft: a grant and a client that leaves may cross; the
// grant must not be lost then.
func TestGateGrantToOneWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, whole, 30*time.Second)
		for range 100 {
			running := mustEnter(t, g, whole, time.Second)
			ctx, leave := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				if r, err := enter(ctx, g, whole, time.Second); err == nil {
					r.Release()
				}
				close(done)
			}()
			synctest.Wait()
			go leave()
			go running.Release()
			<-done
			synctest.Wait()
			if now := g.Occupancy(); now != (occupancy{}) {
				t.Fatalf("occupancy %+v", now)
			}
		}
	})
}

func TestGateClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, whole, 30*time.Second)
		running := mustEnter(t, g, whole, time.Second)
		place, err := g.Join()
		if err != nil {
			t.Fatal(err)
		}
		defer place.Leave()
		woken := make(chan error, 1)
		go func() {
			_, err := enter(t.Context(), g, whole, time.Second)
			woken <- err
		}()
		synctest.Wait()
		g.Close()
		g.Close()
		if err := <-woken; !errors.Is(err, errDraining) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := place.Reserve(t.Context(), whole, time.Second); !errors.Is(err, errDraining) {
			t.Errorf("who had joined got %v", err)
		}
		if _, err := g.Join(); !errors.Is(err, errDraining) {
			t.Errorf("a newcomer got %v", err)
		}
		running.Release()
		if now := g.Occupancy(); now != (occupancy{}) {
			t.Errorf("occupancy %+v at the end", now)
		}
	})
}

func TestIntake(t *testing.T) {
	for _, c := range []struct {
		slots int
		line  bool
		size  int
	}{{1, false, 4}, {1, true, 8}, {3, false, 8}, {3, true, 20}} {
		in := newIntake(c.slots, c.line)
		var first func()
		for n := range c.size {
			leave, ok := in.Enter()
			if !ok {
				t.Fatalf("%+v: full after %d", c, n)
			}
			if first == nil {
				first = leave
			}
		}
		if _, ok := in.Enter(); ok {
			t.Errorf("%+v: not full", c)
		}
		first()
		first() // gives nothing back that is another's
		if _, ok := in.Enter(); !ok {
			t.Errorf("%+v: still full after one left", c)
		}
		if _, ok := in.Enter(); ok {
			t.Errorf("%+v: one left twice, and two came in", c)
		}
	}
}
