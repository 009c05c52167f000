//go:build linux

package memory

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"codecell/test/e2e/cell"
)

// zygoteKilled: the interpreter from which all runs are forked is killed again and
// again, while programs hold all their memory.
var zygoteKilled = Attack{
	Name:    "zygote-killed",
	Route:   "a run that outlives its request, its zygote or the server",
	Client:  killZygotes,
	Answers: []Seen{Served, Full, "503 run-lost", "503 not-ready"},
}

// terminated: the server is told to end while 32 clients keep it busy.
var terminated = Attack{
	Name:       "sigterm",
	Route:      "a run that outlives its request, its zygote or the server",
	Client:     terminate,
	Answers:    []Seen{Served, Full, Closed, "503 draining"},
	EndsServer: true,
}

const (
	killClients = 16
	kills       = 10
	killPeriod  = 700 * time.Millisecond

	termClients = 32
	termAfter   = 2 * time.Second
	// termMost is longer than the server's own drain of 8 s.
	termMost = 12 * time.Second
)

func killZygotes(ctx context.Context, t *Target) error {
	killing, done := context.WithCancel(ctx)
	defer done()
	killed := make(chan error, 1)
	go func() {
		defer done()
		killed <- t.killZygotes(ctx)
	}()
	if err := keepAsking(ctx, killing, t, killClients, hogFor(5*time.Second), cell.Request{Code: "print(42)"}); err != nil {
		return err
	}
	if err := <-killed; err != nil {
		return err
	}
	return t.waitReady(ctx)
}

func (t *Target) killZygotes(ctx context.Context) error {
	tick := time.NewTicker(killPeriod)
	defer tick.Stop()
	found := 0
	for range kills {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		zygotes, err := t.Zygotes()
		if err != nil {
			return err
		}
		for _, z := range zygotes {
			if syscall.Kill(z.PID, syscall.SIGKILL) == nil {
				found++
			}
		}
	}
	if found < kills/2 {
		return fmt.Errorf("only %d zygotes were there to be killed", found)
	}
	return nil
}

// waitReady waits for an interpreter after the last one was killed.
func (t *Target) waitReady(ctx context.Context) error {
	c := t.Client(answerTime)
	defer c.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if a, err := c.Get(ctx, "/readyz"); err == nil && a.Status == http.StatusOK {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", ctx.Err())
		}
	}
}

func terminate(ctx context.Context, t *Target) error {
	asking, cancel := context.WithTimeout(ctx, termAfter+termMost)
	defer cancel()
	signalled := make(chan error, 1)
	time.AfterFunc(termAfter, func() { signalled <- t.Signal(syscall.SIGTERM) })
	gone := func(ctx context.Context, _ int) error {
		c := t.Client(2 * runTimeout)
		defer c.Close()
		for n := 0; asking.Err() == nil; n++ {
			a, _ := t.Execute(ctx, c, hogFor(time.Duration(1+n%3)*time.Second))
			if a.Status == 0 {
				break // nobody listens any longer
			}
			if a.Status != http.StatusOK {
				stayAway(asking)
			}
		}
		return nil
	}
	if err := crowd(ctx, termClients, gone); err != nil {
		return err
	}
	return <-signalled
}
