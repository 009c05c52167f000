package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// patience bounds every wait of these tests: long, as it only shows in failures.
const patience = 10 * time.Second

// A capServer is a server behind a connCap whose /hold requests wait to be
// released, and which tells of every change of standing.
type capServer struct {
	t      *testing.T
	limit  *connCap
	addr   string
	states chan string        // "new 127.0.0.1:1234", by remote address
	seen   map[string]int     // states that came while another was awaited
	held   chan chan struct{} // one for each /hold request in work: close it to release
}

func startCapServer(t *testing.T, limit *connCap, handler http.Handler) *capServer {
	t.Helper()
	l, err := listen(t.Context(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	s := &capServer{
		t: t, limit: limit, addr: l.Addr().String(),
		states: make(chan string, 4096), seen: make(map[string]int), held: make(chan chan struct{}, 64),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		release := make(chan struct{})
		s.held <- release
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/now", func(http.ResponseWriter, *http.Request) {})
	if handler != nil {
		mux.Handle("/", handler)
	}
	server := newServer(mux, limit, slog.New(slog.DiscardHandler))
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		limit.ConnState(conn, state)
		s.states <- state.String() + " " + conn.RemoteAddr().String()
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(limit.Listen(l)) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return s
}

// dial opens a connection and waits until the server has accepted it, so that
// the order in which a test dials is the order in which they count.
func (s *capServer) dial() net.Conn {
	s.t.Helper()
	conn := s.dialOnly()
	s.await(conn, http.StateNew)
	return conn
}

func (s *capServer) dialOnly() net.Conn {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// await waits until the server says that conn is in state.
func (s *capServer) await(conn net.Conn, state http.ConnState) {
	s.t.Helper()
	want := state.String() + " " + conn.LocalAddr().String()
	for s.seen[want] == 0 {
		select {
		case got := <-s.states:
			s.seen[got]++
		case <-time.After(patience):
			s.t.Fatalf("waited for %q in vain", want)
		}
	}
	s.seen[want]--
}

// makeIdle brings conn through one request.
func (s *capServer) makeIdle(conn net.Conn) {
	s.t.Helper()
	if status, err := get(conn, "/now"); err != nil || status != http.StatusOK {
		s.t.Fatalf("GET /now: %d, %v", status, err)
	}
	s.await(conn, http.StateIdle)
}

// makeActive starts a request on conn that ends when the returned channel is closed.
func (s *capServer) makeActive(conn net.Conn) chan struct{} {
	s.t.Helper()
	if _, err := fmt.Fprintf(conn, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
	select {
	case release := <-s.held:
		return release
	case <-time.After(patience):
		s.t.Fatal("the request did not reach the handler")
		return nil
	}
}

// get makes one request on conn and returns its answer's status.
func get(conn net.Conn, path string) (int, error) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		return 0, err
	}
	return readStatus(conn)
}

func readStatus(conn net.Conn) (int, error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// wantClosed fails the test unless the server closes conn.
func wantClosed(t *testing.T, name string, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil || isTimeout(err) {
		t.Errorf("the %s connection is still open: %d, %v", name, n, err)
	}
}

func isTimeout(err error) bool {
	var nerr net.Error
	return errors.As(err, &nerr) && nerr.Timeout()
}

// wantServed fails the test unless conn still gets an answer.
func wantServed(t *testing.T, name string, conn net.Conn) {
	t.Helper()
	if status, err := get(conn, "/now"); err != nil || status != http.StatusOK {
		t.Errorf("the %s connection was lost: %d, %v", name, status, err)
	}
}
