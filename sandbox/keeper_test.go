//go:build linux

package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeeperReplacesALostZygote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nursery{t: t, delay: 80 * time.Millisecond}
		k := n.keeper(ZygoteLimits{MaxRuns: 100, MaxAge: time.Hour})
		lost := mustAcquire(t, k)
		lost.kill("test")
		for _, since := range []string{"not yet buried", "buried"} {
			if err := k.ready(); !errors.Is(err, ErrNotReady) {
				t.Errorf("%s: ready says %v, want ErrNotReady", since, err)
			}
			if _, err := k.acquire(); !errors.Is(err, ErrNotReady) {
				t.Errorf("%s: acquire: %v, want ErrNotReady", since, err)
			}
			soon()
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
