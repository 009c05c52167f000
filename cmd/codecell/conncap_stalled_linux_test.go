package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Clients that ask and never read must not keep a probe out.
func TestStalledReadersMakeRoom(t *testing.T) {
	t.Parallel()
	limit := newConnCap(2, patience)
	s := startCapServer(t, limit, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 16<<20)) // far more than both sockets hold
	}))
	for range 2 {
		conn := s.dial()
		if _, err := io.WriteString(conn, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(patience)
	for stalled := 0; stalled < 2; {
		stalled = 0
		limit.mu.Lock()
		for conn := range limit.conns {
			if n, err := unacknowledged(conn); conn.standing == active && err == nil && n > 0 {
				stalled++
			}
		}
		limit.mu.Unlock()
		if time.Now().After(deadline) {
			t.Fatalf("%d of 2 replies are stalled", stalled)
		}
	}
	probe := s.dial()
	if _, err := io.WriteString(probe, "GET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = probe.SetReadDeadline(time.Now().Add(patience))
	if answer, err := io.ReadAll(probe); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("the probe got %q, %v", answer, err)
	}
}

// A client that takes what it is sent, as slowly as it likes, is not one that stalls.
func TestSlowReadersKeepTheirPlace(t *testing.T) {
	t.Parallel()
	limit := newConnCap(2, patience)
	s := startCapServer(t, limit, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 1 << 10 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}))
	slow, stalled := s.dial(), s.dial() // the slow one is the older
	for _, conn := range []net.Conn{slow, stalled} {
		if _, err := io.WriteString(conn, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	given := make(chan struct{})
	lost := make(chan error, 1)
	go func() { // always behind, and always on
		some := make([]byte, 256<<10)
		pause := time.NewTicker(5 * time.Millisecond)
		defer pause.Stop()
		for {
			if _, err := io.ReadFull(slow, some); err != nil {
				lost <- err
				return
			}
			select {
			case <-given:
				lost <- nil
				return
			case <-pause.C:
			}
		}
	}()
	probe := s.dial()
	wantServed(t, "new", probe)
	close(given)
	if err := <-lost; err != nil {
		t.Errorf("the slow reader lost its connection: %v", err)
	}
	_ = stalled.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, stalled); err == nil || isTimeout(err) {
		t.Errorf("the stalled reader kept its place: %v", err)
	}
}
