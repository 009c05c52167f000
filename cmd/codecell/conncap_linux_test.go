package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

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
		{"answered before idle", []at{{idle, 1}, {answered, 9}}, 1},
		{"fresh before unheard", []at{{unheard, 1}, {fresh, 9}}, 1},
		{"unheard before closing", []at{{closing, 1}, {unheard, 9}}, 1},
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
				conns[i].waits.Store(true)
				limit.conns[conns[i]] = struct{}{}
			}
			var want *cappedConn
			if tt.want >= 0 {
				want = conns[tt.want]
			}
			if got, wait := limit.leastLoss(time.Now(), false); got != want || wait != 0 {
				t.Errorf("gave up %+v or waits %v, want index %d", got, wait, tt.want)
			}
		})
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
	s.awaitLoss(fresh)

	newest := s.dial()
	wantClosed(t, "half-sent", partial)
	wantServed(t, "new", s.dial())
	wantClosed(t, "silent", silent)
	wantServed(t, "fresh but newer", newest)
	close(release)
	if status, err := readStatus(busy); err != nil || status != http.StatusOK {
		t.Errorf("the busy connection: %d, %v", status, err)
	}
}

// acceptor connects and accepts in turn, without a server that would read.
func acceptor(t *testing.T, limit int) func() (client net.Conn, accepted *cappedConn) {
	t.Helper()
	return acceptorFor(t, newConnCap(limit, patience))
}

func acceptorFor(t *testing.T, limit *connCap) func() (client net.Conn, accepted *cappedConn) {
	t.Helper()
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close() })
	listener := limit.Listen(tcp)
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
		accepted = conn.(*cappedConn)
		accepted.waits.Store(true) // as net/http, which reads at once
		return client, accepted
	}
}

// However fast they come, each has its time to ask for something.
func TestFullCapGivesEachItsGrace(t *testing.T) {
	t.Parallel()
	const limit = 4
	accept := acceptor(t, limit)
	began := time.Now()
	for range limit + 1 {
		accept()
	}
	if took := time.Since(began); took < grace {
		t.Errorf("the first was given up after %v, want %v at least", took, grace)
	}
}

// A burst of connections, accepted before any was read from, takes no place from one
// that has asked, whether for the first time or again.
func TestFullCapKeepsWhatHasAsked(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		const limit = 4
		accept := acceptor(t, limit)
		probe, kept := accept()
		if again {
			kept.cap.move(kept, idle)
		}
		sendAsk(t, probe, kept)
		for range 5 * limit {
			accept()
		}
		if _, err := kept.Read(make([]byte, 1)); err != nil {
			t.Errorf("the connection that had asked (again: %t) was given up: %v", again, err)
		}
	}
}

// Where all have asked and none was read from yet, the next waits for the server,
// and takes the place of the first that is read from and does not come to an end.
func TestFullCapWaitsUntilWhatHasAskedIsRead(t *testing.T) {
	t.Parallel()
	limit := newConnCap(1, patience)
	accept := acceptorFor(t, limit)
	probe, first := accept()
	sendAsk(t, probe, first)
	if victim, wait := limit.leastLoss(time.Now().Add(time.Hour), false); victim != nil || wait == 0 {
		t.Fatalf("gives up %v, waits %v: an hour changes nothing before it is read", victim, wait)
	}
	next := make(chan *cappedConn)
	go func() {
		_, conn := accept()
		next <- conn
	}()
	readOn(t, first)
	select {
	case conn := <-next:
		if _, entered := limit.conns[conn]; !entered || limit.count() != 1 {
			t.Errorf("%d connections count, the new one among them: %t", limit.count(), entered)
		}
	case <-time.After(patience):
		t.Error("the next connection never got in")
	}
}

// Who has begun to ask and does not go on gives way to who has not begun: that may be
// a probe on a slow machine, and it has come first here.
func TestFullCapGivesUpTheHeardFirst(t *testing.T) {
	t.Parallel()
	limit := newConnCap(2, patience)
	accept := acceptorFor(t, limit)
	_, silent := accept()
	client, begun := accept()
	later := time.Now().Add(time.Hour)
	if victim, _ := limit.leastLoss(later, false); victim != silent {
		t.Fatalf("gives up %p of two that are silent, want the older, %p", victim, silent)
	}
	sendAsk(t, client, begun)
	readOn(t, begun)
	for deadline := time.Now().Add(patience); !begun.waits.Load(); {
		if time.Now().After(deadline) {
			t.Fatal("nothing waits for more")
		}
	}
	if victim, _ := limit.leastLoss(later, false); victim != begun {
		t.Errorf("gives up %p, want the one that has begun, %p", victim, begun)
	}
}

// readOn reads all that conn's peer has sent, and waits for more as net/http does
// whose headers are not complete.
func readOn(t *testing.T, conn *cappedConn) {
	t.Helper()
	if _, err := conn.Read(make([]byte, 4<<10)); err != nil {
		t.Fatal(err)
	}
	go conn.Read(make([]byte, 1)) // until it is closed
}

// A client that was told 431 and goes on sending has its answer: the half second for
// which net/http lingers on it is nobody else's.
func TestFullCapGivesUpWhatIsAnswered(t *testing.T) {
	t.Parallel()
	s := startCapServer(t, newConnCap(2, patience), nil)
	idler, long := s.dial(), s.dial()
	s.makeIdle(idler)
	if _, err := io.WriteString(long, "GET /now HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("x", 4*headerBytes)); err != nil {
		t.Fatal(err)
	}
	if status, err := readStatus(long); err != nil || status != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatalf("long headers: %d, %v", status, err)
	}
	s.awaitLoss(answered)
	wantServed(t, "new", s.dial())
	wantServed(t, "idle", idler)
}

// awaitLoss polls until a connection stands so: that a peer's kernel has acknowledged
// everything is no event.
func (s *capServer) awaitLoss(want standing) {
	s.t.Helper()
	deadline := time.After(patience)
	for tick := time.Tick(time.Millisecond); ; {
		s.limit.mu.Lock()
		least, _ := s.limit.leastLoss(time.Now(), false)
		at := active
		if least != nil {
			at, _ = least.loss(time.Now())
		}
		s.limit.mu.Unlock()
		if at == want {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			s.t.Fatalf("what would be given up stands at %d, not %d", at, want)
		}
	}
}

// sendAsk sends a request on client and waits until the kernel has it for accepted.
func sendAsk(t *testing.T, client net.Conn, accepted *cappedConn) {
	t.Helper()
	if _, err := io.WriteString(client, "GET /livez HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		switch n, err := unread(accepted); {
		case err != nil:
			t.Fatal(err)
		case n > 0:
			return
		case time.Now().After(deadline):
			t.Fatal("nothing arrives")
		}
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
