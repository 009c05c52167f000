package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

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
