//go:build linux

package sandbox

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// generations are the zygotes of a sandbox, seen from outside its keeper.
type generations struct {
	mu   sync.Mutex
	all  []*zygote
	most int // alive at once
}

// watch counts the current zygote and every one that is started from now on.
func (g *generations) watch(s *Sandbox) {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	g.born(s.keeper.current)
	startZygote := s.keeper.startZygote
	s.keeper.startZygote = func() (*zygote, error) {
		z, err := startZygote()
		if err == nil {
			g.born(z)
		}
		return z, err
	}
}

func (g *generations) born(z *zygote) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, z)
	g.most = max(g.most, g.alive())
}

// alive is how many are not reaped yet. g.mu is held.
func (g *generations) alive() (n int) {
	for _, z := range g.all {
		select {
		case <-z.dead:
		default:
			n++
		}
	}
	return n
}

func (g *generations) count() (all, alive, most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.all), g.alive(), g.most
}

// openFiles are this process's descriptors by number and target.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Not in parallel: it counts descriptors and goroutines of this whole process.
func TestPlannedReplacementLosesNothing(t *testing.T) {
	s := start(t, func(p *Profile, cfg *Config) { small(p, cfg); p.Zygote.MaxRuns = 20 })
	mustRun(t, s, "print(42)") // whatever is made once is made now
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	var g generations
	g.watch(s)

	const runs, replacements = 200, 5
	deadline := time.Now().Add(time.Minute)
	for n := 0; ; n++ {
		if all, _, _ := g.count(); n >= runs && all > replacements {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d runs, and not %d replacements yet", n, replacements)
		}
		if res := mustRun(t, s, "print(42)"); string(res.Stdout.Data) != "42\n" {
			t.Fatalf("run %d: %+v", n, res)
		}
	}
	// The last of the old ones is on its way out.
	eventually(t, 10*time.Second, "one zygote is left", func() bool {
		_, alive, _ := g.count()
		return alive == 1 && s.Ready() == nil
	})
	all, _, most := g.count()
	if most > zygotesAtOnce {
		t.Errorf("%d zygotes at once, want %d at most", most, zygotesAtOnce)
	}
	z := current(s)
	for _, old := range g.all {
		if left := groupOf(t, old.pid); old != z && len(left) > 0 {
			t.Errorf("left of zygote %d: %+v", old.pid, left)
		}
	}
	t.Logf("%d zygotes", all)
	eventually(t, 10*time.Second, "as many descriptors and goroutines as before", func() bool {
		return openFiles(t) <= files && runtime.NumGoroutine() <= goroutines
	})
}

func TestOldZygoteFinishesItsRun(t *testing.T) {
	t.Parallel()
	// Worn from the first run on.
	s := start(t, func(p *Profile, cfg *Config) { small(p, cfg); p.Zygote.MaxAge = time.Nanosecond })
	old := current(s)
	var g generations
	g.watch(s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, Job{Code: "import time\nprint(1)\ntime.sleep(3600)", Stdout: writerFunc(func([]byte) { close(running) })})
		ended <- err
	}()
	<-running
	eventually(t, 20*time.Second, "a fresh zygote", func() bool { return current(s) != old })
	for range 10 {
		mustRun(t, s, "print(42)")
	}
	if all, alive, _ := g.count(); alive != 2 || all != 2 {
		t.Errorf("%d zygotes were started, %d live, want 2: the old one has a run", all, alive)
	}
	wantGroup(t, old.pid, 3, "the old zygote, its run and a parked one")
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the old run returned %v", err)
	}
	eventually(t, 10*time.Second, "the old zygote is gone", func() bool { return len(groupOf(t, old.pid)) == 0 })
	mustRun(t, s, "print(42)")
}
