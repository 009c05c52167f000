//go:build linux

package sandbox

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const longest = 30 * time.Second // what the profile allows

func TestKilledZygoteLosesItsRunsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := start(t, small)
	z := current(s)
	// The next start waits for us, so that the time without a zygote can be seen.
	proceed := make(chan struct{})
	s.keeper.mu.Lock()
	startZygote := s.keeper.startZygote
	s.keeper.startZygote = func() (*zygote, error) { <-proceed; return startZygote() }
	s.keeper.mu.Unlock()

	var ended []<-chan error
	for range 3 {
		ended = append(ended, endlessRun(t, s, longest))
	}
	wantGroup(t, z.pid, 5, "a zygote, 3 runs and a parked one")
	if err := unix.Kill(z.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, err := range ended {
		if err := <-err; !errors.Is(err, ErrRunLost) {
			t.Errorf("Run returned %v, want ErrRunLost", err)
		}
	}
	if left := groupOf(t, z.pid); len(left) > 0 {
		t.Errorf("left of the old group when Run has returned: %+v", left)
	}
	eventually(t, 5*time.Second, "Ready says that there is no zygote", func() bool { return errors.Is(s.Ready(), ErrNotReady) })
	if _, err := s.Run(t.Context(), Job{Code: "print(1)"}); !errors.Is(err, ErrNotReady) {
		t.Errorf("Run without a zygote: %v, want ErrNotReady", err)
	}
	close(proceed)
	eventually(t, 20*time.Second, "ready again", func() bool { return s.Ready() == nil })
	if res := mustRun(t, s, "print(42)"); string(res.Stdout.Data) != "42\n" {
		t.Errorf("the next run: %+v", res)
	}
}

// One test, because all of it is waiting: a hung zygote is found by the watchdog
// when it is idle, and sooner by a run.
func TestHungZygotesAreReplaced(t *testing.T) {
	t.Parallel()
	idle := start(t, small)
	z := current(idle)
	stop(t, z)
	// A ping every pingEvery ticks, and pingPatience ticks for the answer.
	found := time.Now().Add((pingEvery + pingPatience + 1) * watchdogTick)

	t.Run("with a run ordered", func(t *testing.T) {
		wantLost(t, startTimeout, func(s *Sandbox) error {
			stop(t, current(s))
			_, err := s.Run(t.Context(), Job{Code: "print(1)"})
			return err
		})
	})
	t.Run("with a run past its deadline", func(t *testing.T) {
		wantLost(t, time.Second+reapTimeout, func(s *Sandbox) error {
			ended := endlessRun(t, s, time.Second)
			stop(t, current(s))
			return <-ended
		})
	})

	eventually(t, time.Until(found)+10*time.Second, "another zygote in place of the idle one", func() bool {
		return idle.Ready() == nil && current(idle) != z
	})
	if left := groupOf(t, z.pid); len(left) > 0 {
		t.Errorf("left of the idle one: %+v", left)
	}
	mustRun(t, idle, "print(42)")
}

// wantLost loses a run to a zygote that hangs, in about that time.
func wantLost(t *testing.T, within time.Duration, lose func(s *Sandbox) error) {
	t.Helper()
	s := start(t, small)
	z := current(s)
	began := time.Now()
	if err := lose(s); !errors.Is(err, ErrRunLost) {
		t.Errorf("Run returned %v, want ErrRunLost", err)
	}
	if took := time.Since(began); took > within+5*time.Second {
		t.Errorf("after %v, want %v", took, within)
	}
	if left := groupOf(t, z.pid); len(left) > 0 {
		t.Errorf("left of the hung one: %+v", left)
	}
	eventually(t, 20*time.Second, "ready again", func() bool { return s.Ready() == nil && current(s) != z })
	mustRun(t, s, "print(42)")
}

// stop makes the zygote hang, as the watchdog sees it.
func stop(t *testing.T, z *zygote) {
	t.Helper()
	if err := unix.Kill(z.pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the zygote is stopped", func() bool {
		for _, p := range groupOf(t, z.pid) {
			if p.pid == z.pid {
				return p.state == 'T'
			}
		}
		return false
	})
}

func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	profile, err := LoadProfile("minimal")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Profile: profile}
	small(profile, &cfg)
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	z := current(s)
	ended := endlessRun(t, s, longest)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left := groupOf(t, z.pid); len(left) > 0 {
		t.Errorf("left when Close has returned: %+v", left)
	}
	if err := <-ended; !errors.Is(err, ErrRunLost) && !errors.Is(err, ErrClosed) {
		t.Errorf("the run in flight returned %v", err)
	}
	if err := s.Ready(); !errors.Is(err, ErrClosed) {
		t.Errorf("Ready says %v, want ErrClosed", err)
	}
	if _, err := s.Run(t.Context(), Job{Code: "print(1)"}); !errors.Is(err, ErrClosed) {
		t.Errorf("Run returned %v, want ErrClosed", err)
	}
}

func TestForkThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	s := start(t, func(p *Profile, cfg *Config) { small(p, cfg); cfg.Slots = 1 })
	limit := int(s.plan.processes(1, 0))
	if limit == 0 {
		t.Skipf("want a machine that counts processes for each zygote apart (a user namespace), have %s", s.plan.nsWhy)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The zygote itself is one. The parked run is one too, until a run takes it: so
	// the limit may be met one run earlier, when a run came before its parked one.
	ended := make(chan error, limit)
	var err error
	runs := 0
	for ; err == nil && runs < limit; runs++ {
		running := make(chan struct{})
		go func() {
			_, err := s.Run(ctx, Job{Code: "import time\nprint(1)\ntime.sleep(3600)", Stdout: writerFunc(func([]byte) { close(running) })})
			ended <- err
		}()
		select {
		case <-running:
		case err = <-ended:
		}
	}
	runs-- // the last one did not come to run
	var failed *SetupError
	if !errors.As(err, &failed) || failed.Step != "fork" || !errors.Is(err, unix.EAGAIN) || runs < limit-2 {
		t.Errorf("behind %d runs, where %d processes are allowed: %v, want a *SetupError of step fork", runs, limit, err)
	}
	cancel()
	for range runs {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a run returned %v, want the cause", err)
		}
	}
	mustRun(t, s, "print(42)")
}

// A server that can't have its jail does not start, says why, and leaves nothing.
func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		edit       func(*Profile, *Config)
	}{
		{"no such python", "/nonexistent/python3", func(_ *Profile, c *Config) { c.Python = "/nonexistent/python3" }},
		{"a python that fails", "does not work in the jail", func(_ *Profile, c *Config) { c.Python = script(t, "exit 3") }},
		{"not a python", "does not work in the jail", func(_ *Profile, c *Config) { c.Python = "/bin/true" }},
		{"a module that there is not", "zygote: import", func(p *Profile, _ *Config) { p.Imports = append(p.Imports, "nonexistent_module") }},
		{"a layer that there is not", `"landlok"`, func(_ *Profile, c *Config) { c.Require = []string{"landlok"} }},
		{"no memory", "SANDBOX_MAX_CONCURRENCY", func(_ *Profile, c *Config) { c.MemoryLimit = 200 << 20 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			profile, err := LoadProfile("minimal")
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Profile: profile}
			c.edit(profile, &cfg)
			before := childrenOf(t, os.Getpid())
			s, err := New(t.Context(), cfg)
			if err == nil {
				s.Close()
				t.Fatal("it starts")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want one with %q", err, c.want)
			}
			if after := childrenOf(t, os.Getpid()); !slices.Equal(after, before) {
				t.Errorf("children before %v, after %v", before, after)
			}
		})
	}
}
