package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"codecell/function"
)

// fill takes every place by a request in work, and returns what releases them.
func (s *capServer) fill() (releases []chan struct{}) {
	s.t.Helper()
	for range s.limit.max {
		releases = append(releases, s.makeActive(s.dial()))
	}
	return releases
}

// ask sends a request on a connection that may have no place yet.
func (s *capServer) ask(conn net.Conn, request string) {
	s.t.Helper()
	if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\n\r\n", request); err != nil {
		s.t.Fatal(err)
	}
}

func healthServer(t *testing.T, places int) *capServer {
	t.Helper()
	return startCapServer(t, newConnCap(places, patience), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// A health check gets in where every place is taken by a request in work, and before
// those that have waited for longer. They get theirs when there is one.
func TestHealthChecksDontWait(t *testing.T) {
	t.Parallel()
	s := healthServer(t, 2)
	releases := s.fill()
	waiting := s.dialOnly()
	s.ask(waiting, "GET /hold")
	for range 3 * function.HealthChecks {
		check := s.dialOnly()
		// What follows on the same connection would have got past those that wait.
		if _, err := fmt.Fprintf(check, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /hold HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(check)
		resp, err := http.ReadResponse(answers, nil)
		if err != nil || resp.StatusCode != http.StatusOK || !resp.Close {
			t.Fatalf("a health check: %+v, %v; want its connection to end", resp, err)
		}
		resp.Body.Close()
		if more, _ := answers.ReadString('\n'); more != "" {
			t.Errorf("after a health check: %q", more)
		}
	}
	select {
	case <-s.held:
		t.Error("somebody has got a place of the health checks'")
	default:
	}
	for _, release := range releases {
		close(release)
	}
	select {
	case release := <-s.held:
		close(release)
	case <-time.After(patience):
		t.Error("who waited has got no place")
	}
}

// Health checks have as many places as are in the reserve, and nobody else has them.
func TestPlacesOfHealthChecks(t *testing.T) {
	t.Parallel()
	const places = 2
	limit := newConnCap(places, patience)
	add := func(urgent bool) (conn *cappedConn, in bool) {
		conn = &cappedConn{TCPConn: new(net.TCPConn), cap: limit}
		in = limit.admit(conn, urgent) == 0
		limit.move(conn, active)
		return conn, in
	}
	for n := range 2 * places {
		if _, in := add(false); in != (n < places) {
			t.Errorf("connection %d is let in: %t", n, in)
		}
	}
	check, _ := add(true)
	for n := 1; n < 2*function.HealthChecks; n++ {
		if _, in := add(true); in != (n < function.HealthChecks) {
			t.Errorf("health check %d is let in: %t", n, in)
		}
	}
	limit.remove(check)
	if _, in := add(false); in {
		t.Error("the place of a health check went to somebody else")
	}
	if _, in := add(true); !in {
		t.Error("the place of a health check is lost")
	}
	if n := limit.count(); n != places+function.HealthChecks {
		t.Errorf("%d connections count", n)
	}
}

// Who leaves while it waits makes room, and a lobby full of silent ones keeps nobody out.
func TestSilentVisitorsMakeRoom(t *testing.T) {
	t.Parallel()
	s := healthServer(t, 1)
	s.fill()
	for range 2 * function.Lobby {
		s.dialOnly() // and says nothing
	}
	probe := s.dialOnly()
	s.ask(probe, "GET /livez")
	if status, err := readStatus(probe); err != nil || status != http.StatusOK {
		t.Errorf("a health check behind a lobby full of silent ones: %d, %v", status, err)
	}
}

// Whoever waits has a turn of so long, and is closed then.
func TestLobbyClosesWhoHasWaited(t *testing.T) {
	t.Parallel()
	s := healthServer(t, 1)
	s.fill()
	began := time.Now()
	waiting := s.dialOnly()
	s.ask(waiting, "GET /now")
	wantClosed(t, "waiting", waiting)
	if took := time.Since(began); took < turn {
		t.Errorf("closed after %v, want %v at least", took, turn)
	}
}

// Beyond the lobby the kernel holds who comes, and nobody is lost who gets a place in time.
func TestFullLobby(t *testing.T) {
	t.Parallel()
	s := healthServer(t, 2)
	releases := s.fill()
	var crowd []net.Conn
	for range 2 * function.Lobby {
		conn := s.dialOnly()
		s.ask(conn, "GET /now")
		crowd = append(crowd, conn)
	}
	for _, release := range releases {
		close(release)
	}
	served, lost := 0, 0
	for _, conn := range crowd {
		// Each ends itself, so that the next has its place.
		if status, err := readStatus(conn); err == nil && status == http.StatusOK {
			served++
		} else {
			lost++
		}
		conn.Close()
	}
	if served == 0 || served+lost != len(crowd) {
		t.Errorf("%d served, %d lost of %d", served, lost, len(crowd))
	}
	wantServed(t, "next", s.dial())
}

// A listener that is closed closes who has no place, and its Accept ends.
func TestClosedLobby(t *testing.T) {
	t.Parallel()
	l, err := listen(t.Context(), 0, true)
	check(t, err)
	limit := newConnCap(1, patience)
	lobby := limit.Listen(l)
	first, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	defer first.Close()
	conn, err := lobby.Accept()
	check(t, err)
	defer conn.Close()
	limit.move(conn.(*cappedConn), active)
	second, err := net.Dial("tcp", l.Addr().String())
	check(t, err)
	defer second.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := lobby.Accept()
		ended <- err
	}()
	check(t, lobby.Close())
	if err := <-ended; err == nil {
		t.Error("Accept has no error")
	}
	_ = second.SetReadDeadline(time.Now().Add(patience))
	if _, err := second.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("who had no place: %v, want it closed", err)
	}
}

func TestPeek(t *testing.T) {
	t.Parallel()
	client, accepted := acceptor(t, 1)()
	if n, err := peek(accepted, make([]byte, 8)); n > 0 || err == nil {
		t.Errorf("nothing was sent: %d, %v", n, err)
	}
	sendAsk(t, client, accepted)
	for range 2 {
		b := make([]byte, 8)
		if n, err := peek(accepted, b); err != nil || string(b[:n]) != "GET /liv" {
			t.Errorf("%q, %v", b[:n], err)
		}
	}
	b := make([]byte, 8)
	if _, err := io.ReadFull(accepted, b); err != nil || string(b) != "GET /liv" {
		t.Errorf("read after a look: %q, %v", b, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Who has not begun is looked at again after a glance, however often somebody comes.
func TestVisitorIsLookedAtOnceInAGlance(t *testing.T) {
	t.Parallel()
	now := time.Now()
	v := &visitor{conn: &cappedConn{TCPConn: new(net.TCPConn)}, looked: now} // no socket: a look finds nobody there
	if v.look(now.Add(glance - 1)); v.gone {
		t.Error("looked at too soon")
	}
	if v.look(now.Add(glance)); !v.gone {
		t.Error("not looked at")
	}
}
