//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// spin runs until it is killed.
var spin = cell.Request{Code: "while True:\n    pass", Timeout: 20}

// recovery bounds the way from a dead zygote to a warm one; hangs, the time in
// which a zygote that does not answer is found out.
const (
	recovery = 10 * time.Second
	hangs    = 12 * time.Second
)

// TestZygoteKilled kills the zygote under a run, as the kernel would for want of
// memory. The caller may try again, callers are told to wait meanwhile, and
// nothing of the old family is left.
func TestZygoteKilled(t *testing.T) {
	s := start(t, cell.Options{})
	c := client(t, s)
	answer := inFlight(t, s, c, spin)
	old := zygote(t, s)
	family := descendants(t, s)
	readiness := watchReadiness(t, c)

	kill(t, old, syscall.SIGKILL)
	lost := await(t, answer, 5*time.Second)
	if err := checkRefusal(lost, http.StatusServiceUnavailable, "run-lost"); err != nil {
		t.Error(err)
	}
	want := []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusOK}
	eventually(t, recovery, func() error {
		if got := readiness(); !slices.Equal(got, want) {
			return fmt.Errorf("/readyz went %v, want %v", got, want)
		}
		return nil
	})
	if a := execute(t, c, cell.Request{Code: "print(42)"}); !a.OK("42\n") {
		t.Errorf("the next run: %s", a)
	}
	for _, p := range family {
		if p.Exists() {
			t.Errorf("outlived its zygote: %v", p)
		}
	}
	if !s.Proc.Exists() {
		t.Error("the server is another process than before")
	}
}

// TestZygoteKilledIdle: nobody is in flight, so nobody need notice.
func TestZygoteKilledIdle(t *testing.T) {
	s := start(t, cell.Options{})
	c := client(t, s)
	for range 3 {
		old := zygote(t, s)
		kill(t, old, syscall.SIGKILL)
		recovers(t, s, c, old)
	}
}

// TestZygoteHung stops the zygote: it is there and answers nothing. Whoever
// asks meanwhile gets an answer, soon, and it is replaced.
func TestZygoteHung(t *testing.T) {
	s := start(t, cell.Options{})
	c := client(t, s)
	old := zygote(t, s)
	kill(t, old, syscall.SIGSTOP)
	began := time.Now()
	a := execute(t, c, cell.Request{Code: "print(42)", Timeout: 2})
	took := time.Since(began)
	t.Logf("a request to a stopped zygote: %d after %v", a.Status, took.Round(time.Millisecond))
	if !a.OK("42\n") && a.Status != http.StatusServiceUnavailable {
		t.Errorf("want 200 or 503, got %s", a)
	}
	if took > hangs {
		t.Errorf("answered after %v", took)
	}
	recovers(t, s, c, old)
}

// TestZygoteHungUnderARun stops the zygote while a run is in flight: the run is
// not worse off than its deadline.
func TestZygoteHungUnderARun(t *testing.T) {
	s := start(t, cell.Options{})
	c := client(t, s)
	r := spin
	r.Timeout = 2
	answer := inFlight(t, s, c, r)
	old := zygote(t, s)
	family := descendants(t, s)
	kill(t, old, syscall.SIGSTOP)
	a := await(t, answer, 2*time.Second+hangs)
	t.Logf("the run's answer: %s", a)
	if a.Status != http.StatusOK || a.Outcome != "timeout" {
		if err := checkRefusal(a, http.StatusServiceUnavailable, "run-lost"); err != nil {
			t.Errorf("want a time-out or a lost run: %v", err)
		}
	}
	recovers(t, s, c, old)
	for _, p := range family {
		if p.Exists() {
			t.Errorf("outlived its zygote: %v", p)
		}
	}
}

// recovers waits until the server answers again, from another zygote.
func recovers(t *testing.T, s *cell.Server, c *cell.Client, old cell.Proc) {
	t.Helper()
	eventually(t, recovery+hangs, func() error {
		a, err := c.Execute(t.Context(), cell.Request{Code: "print(42)"})
		if err != nil {
			t.Fatal(err)
		}
		if a.OK("42\n") {
			return nil
		}
		if a.Status != http.StatusServiceUnavailable {
			t.Fatalf("while it recovers: want 503, got %s", a)
		}
		return errors.New(a.String())
	})
	if fresh := zygote(t, s); fresh.PID == old.PID && fresh.Start == old.Start {
		t.Errorf("still the same zygote: %v", fresh)
	}
	eventually(t, recovery, func() error {
		if old.Exists() {
			return fmt.Errorf("the old zygote %v is still there", old)
		}
		return nil
	})
	if !s.Proc.Exists() {
		t.Error("the server is another process than before")
	}
}

func descendants(t *testing.T, s *cell.Server) []cell.Proc {
	t.Helper()
	down, err := cell.Descendants(s.Proc.PID)
	if err != nil {
		t.Fatal(err)
	}
	return down
}

func kill(t *testing.T, p cell.Proc, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(p.PID, signal); err != nil {
		t.Fatalf("signal %v to %v: %v", signal, p, err)
	}
}

// watchReadiness asks /readyz every millisecond until the test ends, and returns
// a function that tells which statuses came, each run of equal ones as one.
func watchReadiness(t *testing.T, c *cell.Client) func() []int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	statuses := make(chan []int, 1)
	statuses <- nil
	first, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			a, err := c.Get(ctx, "/readyz")
			if err != nil {
				a.Status = 0 // no answer at all, which no test wants to see
			}
			if ctx.Err() != nil {
				return
			}
			seen := <-statuses
			if len(seen) == 0 || seen[len(seen)-1] != a.Status {
				seen = append(seen, a.Status)
			}
			statuses <- seen
			if n == 0 {
				close(first)
			}
			<-tick.C
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	<-first
	return func() []int {
		seen := <-statuses
		statuses <- seen
		return slices.Clone(seen)
	}
}
