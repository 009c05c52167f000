package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait of these tests: long, as it only shows in failures.
const patience = 10 * time.Second

func TestLeastLoss(t *testing.T) {
	t.Parallel()
	type at struct {
		standing standing
		since    uint64
	}
	tests := []struct {
		name  string
		conns []at
		want  int // index, -1: none
	}{
		{"nothing", nil, -1},
		{"all active", []at{{active, 1}, {active, 2}}, -1},
		{"the oldest idle one", []at{{idle, 3}, {idle, 2}, {idle, 5}}, 1},
		{"idle before fresh", []at{{fresh, 1}, {idle, 9}}, 1},
		{"the oldest fresh one", []at{{active, 1}, {fresh, 4}, {fresh, 3}}, 2},
		{"fresh before closing", []at{{closing, 1}, {fresh, 9}}, 1},
		{"closing before none", []at{{active, 1}, {closing, 9}, {closing, 8}}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			limit := newConnCap(1, patience)
			conns := make([]*cappedConn, len(tt.conns))
			for i, at := range tt.conns {
				conns[i] = &cappedConn{TCPConn: new(net.TCPConn), standing: at.standing, since: at.since}
				limit.conns[conns[i]] = struct{}{}
			}
			var want *cappedConn
			if tt.want >= 0 {
				want = conns[tt.want]
			}
			if got := limit.leastLoss(); got != want {
				t.Errorf("gave up %+v, want index %d", got, tt.want)
			}
		})
	}
}

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

func TestFullCapGivesUpTheLongestIdle(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(4, patience), nil)
	unfinished, first, second, busy := s.dial(), s.dial(), s.dial(), s.dial()
	if _, err := io.WriteString(unfinished, "GET /now HTTP/1.1\r\nHost: x\r\nX-More: "); err != nil {
		t.Fatal(err)
	}
	release := s.makeActive(busy)
	s.makeIdle(first)
	s.makeIdle(second)
	s.makeIdle(first) // used again: second has now been idle for longer

	wantServed(t, "new", s.dial())

	wantClosed(t, "longest idle", second)
	wantServed(t, "recently used", first)
	close(release)
	if status, err := readStatus(busy); err != nil || status != http.StatusOK {
		t.Errorf("the busy connection: %d, %v", status, err)
	}
	if _, err := io.WriteString(unfinished, "\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if status, err := readStatus(unfinished); err != nil || status != http.StatusOK {
		t.Errorf("the connection with unfinished headers: %d, %v", status, err)
	}
}

func TestFullCapGivesUpTheOldestUnfinishedHeaders(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(3, patience), nil)
	silent, partial, busy := s.dial(), s.dial(), s.dial()
	if _, err := io.WriteString(partial, "GET /now HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	release := s.makeActive(busy)

	newest := s.dial()
	wantClosed(t, "silent", silent)
	wantServed(t, "new", s.dial())
	wantClosed(t, "half-sent", partial)
	wantServed(t, "fresh but newer", newest)
	close(release)
	if status, err := readStatus(busy); err != nil || status != http.StatusOK {
		t.Errorf("the busy connection: %d, %v", status, err)
	}
}

// acceptor connects and accepts in turn, without a server that would read.
func acceptor(t *testing.T, limit int) func() (client net.Conn, accepted *cappedConn) {
	t.Helper()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	listener := newConnCap(limit, patience).Listen(tcp)
	return func() (client net.Conn, accepted *cappedConn) {
		client, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return client, conn.(*cappedConn)
	}
}

// However fast they come, each has its time to be read.
func TestFullCapGivesEachItsGrace(t *testing.T) {
	t.Parallel()
	const limit = 4
	accept := acceptor(t, limit)
	_, first := accept()
	for range limit { // one more than fits
		accept()
	}
	if kept := time.Since(first.accepted); kept < grace {
		t.Errorf("the first was given up after %v, want %v at least", kept, grace)
	}
}

// A burst of connections, accepted before any was read from, takes no place from one
// that has asked.
func TestFullCapKeepsWhatHasAsked(t *testing.T) {
	t.Parallel()
	const limit = 4
	accept := acceptor(t, limit)
	probe, kept := accept()
	if _, err := io.WriteString(probe, "GET /livez HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		if n, err := unread(kept); err != nil || n > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing arrives")
		}
	}
	for range 5 * limit {
		accept()
	}
	if _, err := kept.Read(make([]byte, 1)); err != nil {
		t.Errorf("the connection that had asked was given up: %v", err)
	}
}

func TestFullCapOfActiveConnectionsClosesTheNewOne(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(2, patience), nil)
	one, two := s.dial(), s.dial()
	releases := []chan struct{}{s.makeActive(one), s.makeActive(two)}

	wantClosed(t, "third", s.dialOnly())

	for _, release := range releases {
		close(release)
	}
	for _, conn := range []net.Conn{one, two} {
		if status, err := readStatus(conn); err != nil || status != http.StatusOK {
			t.Errorf("a busy connection: %d, %v", status, err)
		}
		s.await(conn, http.StateIdle)
	}
	wantServed(t, "next", s.dial()) // the cap is as good as before
}

func TestProbeGetsInPastIdleFlood(t *testing.T) {
	t.Parallel()
	const limit = 16
	s := startCapServer(t, newConnCap(limit, patience), nil)
	for range 5 * limit {
		s.dial()
	}
	wantServed(t, "probe's", s.dial())
	s.limit.mu.Lock()
	defer s.limit.mu.Unlock()
	if n := len(s.limit.conns); n > limit {
		t.Errorf("%d connections are held, at most %d may be", n, limit)
	}
}

// A closed connection whose peer does not read counts until it has, and is
// delivered whole when the peer takes it in time.
func TestClosedConnectionCountsUntilDelivered(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(4, patience), stubborn)
	reader := s.dialUnread()
	s.await(reader, http.StateClosed)
	if n := s.limit.count(); n != 1 {
		t.Fatalf("%d connections count while one closed reply is not delivered, want 1", n)
	}
	resp, err := http.ReadResponse(bufio.NewReader(reader), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != stubbornBytes {
		t.Errorf("read %d of %d bytes, %v", n, stubbornBytes, err)
	}
	s.awaitCount(0)
}

// A peer that resets has nothing more to take: its connection must not go on
// counting, or peers that come, have an answer and leave would fill the cap.
func TestResetConnectionStopsCounting(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(4, time.Hour), stubborn)
	reader := s.dialUnread()
	s.await(reader, http.StateClosed)
	if n := s.limit.count(); n != 1 {
		t.Fatalf("%d connections count while one closed reply is not delivered, want 1", n)
	}
	tcp, ok := reader.(*net.TCPConn)
	if !ok {
		t.Fatalf("the connection is a %T", reader)
	}
	if err := errors.Join(tcp.SetLinger(0), tcp.Close()); err != nil {
		t.Fatal(err)
	}
	s.awaitCount(0)
}

func TestUndeliveredReplyIsDroppedInTime(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(4, 4*tailPoll), stubborn)
	reader := s.dialUnread()
	s.await(reader, http.StateClosed)
	s.awaitCount(0)
	if _, err := io.Copy(io.Discard, reader); err == nil {
		t.Error("the reply arrived whole; it should have been dropped")
	}
}

func TestUndeliveredReplyMakesRoom(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(1, patience), stubborn)
	reader := s.dialUnread()
	s.await(reader, http.StateClosed)
	wantServed(t, "new", s.dial())
	if _, err := io.Copy(io.Discard, reader); err == nil {
		t.Error("the reply arrived whole; it should have been dropped")
	}
}

// stubbornBytes is a reply that fits the server's send buffer, so that its
// handler can finish, beside a client that reads nothing.
const stubbornBytes = 24 << 10

var stubborn = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, strings.Repeat("x", stubbornBytes))
})

// dialUnread sends a request whose reply its tiny receive buffer can't take.
func (s *capServer) dialUnread() net.Conn {
	s.t.Helper()
	conn := dialSmallBuffer(s.t, s.addr)
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

func (c *connCap) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

// awaitCount polls: the moment at which the kernel has delivered a byte, and
// the goroutine that asks it, have no event to wait for.
func (s *capServer) awaitCount(want int) {
	s.t.Helper()
	deadline := time.After(patience)
	for tick := time.Tick(10 * time.Millisecond); ; {
		if s.limit.count() == want {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			s.t.Fatalf("%d connections still count, want %d", s.limit.count(), want)
		}
	}
}
