package function

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"codecell/sandbox"
	"codecell/test/rawhttp"
)

// draining starts a drain and returns when the gate is closed.
func draining(t *testing.T, srv *server) (ended chan error) {
	t.Helper()
	ended = make(chan error, 1)
	go func() { ended <- srv.service.Drain(t.Context()) }()
	select {
	case <-srv.service.closing.Done():
	case <-time.After(wait):
		t.Fatal("the gate stays open")
	}
	return ended
}

func drained(t *testing.T, ended <-chan error, want error) {
	t.Helper()
	select {
	case err := <-ended:
		if !errors.Is(err, want) {
			t.Errorf("Drain: %v, want %v", err, want)
		}
	case <-time.After(wait):
		t.Fatal("Drain does not return")
	}
}

// TestDrainWaits: runs in flight end by themselves, and their replies are out
// when Drain returns; whoever comes later is refused and does not prolong it.
func TestDrainWaits(t *testing.T) {
	box, started, finish := newFakeBox()
	srv := serve(t, testConfig(t, "SANDBOX_MAX_WAIT=30s"), box)
	running := srv.send(t, rawPost(code("block")))
	expect(t, started, "start")
	waiting := srv.send(t, rawPost(code("ok")))
	stalled := srv.send(t, rawhttp.PostJSON("/execute", "", 20, "Expect: 100-continue"))
	if a := within(t, stalled, wait); a.Status != http.StatusContinue {
		t.Fatal(a.Status)
	}
	until(t, "one waits", func() bool { return srv.service.gate.Occupancy().Waiting == 1 })

	ended := draining(t, srv)
	for name, c := range map[string]*rawhttp.Conn{
		"who waits for a slot": waiting,
		"who sends its body":   stalled,
		"a newcomer":           srv.send(t, rawhttp.PostJSON("/execute", "", 1000)),
		"readyz":               srv.send(t, rawhttp.Request("GET", "/readyz", "")),
	} {
		if a := within(t, c, wait); a.Status != 503 || a.slug() != "draining" || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s", name, a.Status, a.Body)
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("Drain returned %v before the run", err)
	default:
	}
	close(finish)
	drained(t, ended, nil)
	// The reply is in the kernel: a server that ends now takes nothing with it.
	if a := within(t, running, wait); a.Status != 200 {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	if err := srv.service.Drain(t.Context()); err != nil {
		t.Errorf("a second drain: %v", err)
	}
}

// TestDrainWaitsForTheLastByte: a reply counts as in flight until the kernel has
// it, also when it is small enough for a buffer of the server's.
func TestDrainWaitsForTheLastByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, _, _ := newFakeBox()
		s, dial := servePipes(t, box)
		conn := dial() // without any buffer of its own: what is written is read
		if _, err := io.WriteString(conn, rawhttp.PostJSON("/execute", code("ok"), len(code("ok")), "Connection: close")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ended := make(chan error, 1)
		go func() { ended <- s.Drain(t.Context()) }()
		synctest.Wait()
		if len(ended) != 0 {
			t.Fatalf("Drain returned %v, and the reply has not left", <-ended)
		}
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
			t.Errorf("got %v %s", err, answer)
		}
		if err := <-ended; err != nil {
			t.Errorf("Drain: %v", err)
		}
	})
}

// TestDrainKills: at the drain's own end, or at its context's.
func TestDrainKills(t *testing.T) {
	for name, timeout := range map[string]string{"timeout": "10ms", "context": "1h"} {
		t.Run(name, func(t *testing.T) {
			box, started, _ := newFakeBox()
			srv := serve(t, testConfig(t, "SANDBOX_DRAIN_TIMEOUT="+timeout), box)
			running := srv.send(t, rawPost(code("block")))
			expect(t, started, "start")
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- srv.service.Drain(ctx) }()
			if name == "context" {
				cancel()
			}
			defer cancel()
			drained(t, ended, ErrKilled)
			if a := within(t, running, wait); a.Status != 503 || a.slug() != "draining" {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			if now := srv.service.gate.Occupancy(); now != (occupancy{}) {
				t.Errorf("occupancy %+v", now)
			}
		})
	}
}

// TestDrainEnds also when a reply can't be written: flushTime after the kill.
func TestDrainEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box, _, _ := newFakeBox()
		s, err := newService(Config{DrainTimeout: 8 * time.Second}, box, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.flights.add(newExchange(nil, nil, nil)) // and never ends
		start := time.Now()
		if err := s.Drain(t.Context()); !errors.Is(err, ErrKilled) || time.Since(start) != 9*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if s.killing.Err() == nil {
			t.Error("nothing was killed")
		}
	})
}

// TestDrainKillIsOurs: a run that drain has killed is a 503, not the client's
// having left, and the context tells which.
func TestDrainKillIsOurs(t *testing.T) {
	for _, c := range []struct {
		err  error
		slug string
	}{
		{errDraining, "draining"},
		{sandbox.ErrClosed, "draining"},
		{context.Canceled, "run-lost"},
		{context.DeadlineExceeded, "run-lost"},
	} {
		if p := problemOf(c.err); p.Status != 503 || p.slug != c.slug || p.header.Get("Retry-After") != "1" {
			t.Errorf("%v: %d %s", c.err, p.Status, p.slug)
		}
	}
}
