//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// start returns a server that is ready. When the test ends it is stopped, and
// has to stop well; its log is shown when the test failed.
func start(t *testing.T, opts cell.Options) *cell.Server {
	t.Helper()
	opts.Binary = codecell
	s, err := cell.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop(t, s)
		if t.Failed() {
			showLog(t, s)
		}
	})
	return s
}

// stop sends SIGTERM: the server has to exit with 0 and leave no process behind.
// To stop it again is fine.
func stop(t *testing.T, s *cell.Server) {
	t.Helper()
	before, err := cell.Descendants(s.Proc.PID)
	if err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("server %v: %v", s.Proc, err)
	}
	for _, p := range before {
		if p.Exists() {
			t.Errorf("outlived the server: %v", p)
		}
	}
	orphans, err := cell.Orphans()
	if err != nil {
		t.Error(err)
	}
	if len(orphans) > 0 {
		t.Errorf("left behind by the server: %v", orphans)
		cell.EndOrphans(orphans)
	}
}

// showLog prints the start and the end of what the server wrote.
func showLog(t *testing.T, s *cell.Server) {
	t.Helper()
	const edge = 15 // lines
	lines := strings.Split(strings.TrimSpace(s.Log()), "\n")
	if len(lines) > 2*edge {
		left := fmt.Sprintf("... %d lines ...", len(lines)-2*edge)
		lines = slices.Concat(lines[:edge], []string{left}, lines[len(lines)-edge:])
	}
	t.Logf("log of the server %v:\n%s", s.Proc, strings.Join(lines, "\n"))
}

// client returns a client of s that is closed when the test ends.
func client(t *testing.T, s *cell.Server) *cell.Client {
	t.Helper()
	c := s.Client(time.Minute)
	t.Cleanup(c.Close)
	return c
}

// execute posts a program and fails the test when no answer comes.
func execute(t *testing.T, c *cell.Client, r cell.Request) cell.Answer {
	t.Helper()
	a, err := c.Execute(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// checkRefusal says what a refusal that asks to come again lacks.
func checkRefusal(a cell.Answer, status int, problem string) error {
	if a.Status != status || a.Problem() != problem {
		return fmt.Errorf("want %d with problem %s, got %s", status, problem, a)
	}
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 {
		return fmt.Errorf("want Retry-After in whole seconds, got %q", a.Header.Get("Retry-After"))
	}
	return nil
}

// zygote waits until the server has exactly one and returns it.
func zygote(t *testing.T, s *cell.Server) cell.Proc {
	t.Helper()
	var only cell.Proc
	eventually(t, 10*time.Second, func() error {
		zygotes, err := s.Zygotes()
		if err != nil {
			return err
		}
		if len(zygotes) != 1 {
			return fmt.Errorf("zygotes: %v, want one", zygotes)
		}
		only = zygotes[0]
		return nil
	})
	return only
}

// inFlight starts a program, waits until it runs, and returns where its answer
// will come.
func inFlight(t *testing.T, s *cell.Server, c *cell.Client, r cell.Request) <-chan result {
	t.Helper()
	answer := make(chan result, 1)
	ctx := t.Context()
	go func() {
		a, err := c.Execute(ctx, r)
		answer <- result{a, err}
	}()
	eventually(t, 10*time.Second, func() error {
		zygotes, err := s.Zygotes()
		if err != nil {
			return err
		}
		all, err := cell.Processes()
		if err != nil {
			return err
		}
		for _, z := range zygotes {
			if slices.ContainsFunc(all, func(p cell.Proc) bool { return p.Parent == z.PID }) {
				return nil
			}
		}
		return errors.New("no run in flight")
	})
	return answer
}

// result is what Execute returned.
type result struct {
	cell.Answer
	err error
}

// await takes an answer that has to come within timeout.
func await(t *testing.T, answers <-chan result, timeout time.Duration) cell.Answer {
	t.Helper()
	select {
	case r := <-answers:
		if r.err != nil {
			t.Fatal(r.err)
		}
		return r.Answer
	case <-time.After(timeout):
		t.Fatalf("no answer after %v", timeout)
		return cell.Answer{}
	}
}
