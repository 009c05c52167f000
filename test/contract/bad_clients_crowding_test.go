//go:build linux

package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// intakePlaces is how many requests of a server with one slot may have a body or
// an answer in its memory.
const intakePlaces = 4

// Clients that come in numbers, or take nothing in.
var crowds = []badClient{
	{name: "500 idle connections", act: flood("")},
	{name: "500 connections in their headers", act: flood("POST /execute HTTP/1.1\r\nHost: local")},
	{name: "a second caller", act: func(t *testing.T, s *server) string {
		t.Helper()
		busy, conn := s.occupy(t, endless), s.dial(t)
		send(t, conn, good)
		said := tell(t, s, conn, atCapacity("Every slot is taken. Runs in flight: 1; the oldest for … s."))
		if err := busy.Reset(); err != nil {
			t.Error(err)
		}
		return said
	}},
	{name: "stopped readers", act: func(t *testing.T, s *server) string {
		t.Helper()
		for range intakePlaces - 1 {
			s.stopReading(t, 1)
		}
		s.wantNext(t)
		return fmt.Sprintf("\t\t%d have their answers unread", intakePlaces-1)
	}},
	// Only serve bounds what the kernel takes of an answer on the reader's behalf.
	{name: "as many as there is room for", only: serve.name, act: func(t *testing.T, s *server) string {
		t.Helper()
		var stopped []*rawhttp.Conn
		for range intakePlaces {
			stopped = append(stopped, s.stopReading(t, 1))
		}
		conn := s.dial(t)
		send(t, conn, good)
		said := tell(t, s, conn, atCapacity("Too many requests are being read or answered."))
		for _, conn := range stopped {
			if err := conn.Reset(); err != nil {
				t.Error(err)
			}
		}
		return said
	}},
	{name: "100 requests, no answer read", act: func(t *testing.T, s *server) string {
		t.Helper()
		conn := s.stopReading(t, 100)
		if err := conn.Reset(); err != nil {
			t.Error(err)
		}
		return "\t\tgone"
	}},
}

func atCapacity(says string) reply {
	return reply{status: http.StatusTooManyRequests, slug: "at-capacity", says: says, header: []string{"Retry-After: 1"}}
}

// stopReading sends this many requests for the longest answer there is, and
// returns when the first has begun. Places that others have left may not be free
// yet: until then there may be a 429.
func (s *server) stopReading(t *testing.T, requests int) *rawhttp.Conn {
	t.Helper()
	const begin = "HTTP/1.1 200"
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		conn := s.dial(t)
		if err := conn.ShrinkWindow(16 << 10); err != nil {
			t.Fatal(err)
		}
		if err := conn.Send(strings.Repeat(longest.request().raw(), requests)); err != nil {
			t.Fatal(err)
		}
		got, err := conn.ReadAtMost(len(begin), answerTime)
		if string(got) == begin {
			return conn
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("the answer begins with %q, %v", got, err)
		}
	}
}

// flood opens 500 connections while a program runs, sends this on each, and
// leaves them open: neither the run nor a probe nor the next program is lost.
func flood(raw string) func(*testing.T, *server) string {
	return func(t *testing.T, s *server) string {
		t.Helper()
		running := s.occupy(t, program{Code: "print('kept')\nwhile True: pass", Timeout: 2})
		for range 500 {
			if err := s.dial(t).Send(raw); err != nil {
				t.Fatal(err)
			}
		}
		wantStatus(t, get("/livez"), s.do(t, get("/livez")), http.StatusOK)
		if got := wantRan(t, s.answer(t, running, endless.request(), answerTime)); got.Stdout != "kept\n" || !got.TimedOut {
			t.Errorf("the run beside the flood: %+v", got)
		}
		s.wantNext(t)
		return "\t\ta run, a probe and the next program got through"
	}
}

// Clients that ask before they listen.
var pipeliners = []badClient{
	{name: "pipelining 2", act: pipeline(2)},
	{name: "pipelining 100", act: pipeline(100)},
	{name: "pipelining bad and good ones", act: func(t *testing.T, s *server) string {
		t.Helper()
		conn := s.dial(t)
		if err := conn.Send(execute("{").raw() + good.raw() + get("/nope").raw() + good.raw() + "\x00\r\n\r\n" + good.raw()); err != nil {
			t.Fatal(err)
		}
		for _, want := range []reply{malformed("The JSON ends before the object does."), printed("42\n"), notFound, printed("42\n")} {
			tell(t, s, conn, want)
		}
		return tell(t, s, conn, badRequestLine) + " after four answers in order"
	}},
}

func pipeline(n int) func(*testing.T, *server) string {
	return func(t *testing.T, s *server) string {
		t.Helper()
		conn := s.dial(t)
		var raw strings.Builder
		for i := range n {
			raw.WriteString(program{Code: fmt.Sprintf("print(%d)", i)}.request().raw())
		}
		if err := conn.Send(raw.String()); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			wantPrinted(t, s.answer(t, conn, good, answerTime), fmt.Sprintf("%d\n", i))
		}
		return fmt.Sprintf("200\t\t%d answers in order", n)
	}
}

// Clients that ask whether they may send their body.
var expecting = []badClient{
	{name: "Expect, then the body", act: func(t *testing.T, s *server) string {
		t.Helper()
		conn := s.expect(t, len(printing))
		interim, err := conn.Response(answerTime)
		if err != nil || interim.Status != http.StatusContinue {
			t.Fatalf("got %v, %v, want 100", interim, err)
		}
		if err := conn.Send(printing); err != nil {
			t.Fatal(err)
		}
		return tell(t, s, conn, printed("42\n")) + " after 100 Continue"
	}},
	{name: "Expect, a body that is too large", act: func(t *testing.T, s *server) string {
		t.Helper()
		return tell(t, s, s.expect(t, maxBody+1), tooLarge)
	}},
	{name: "Expect, while another runs", act: func(t *testing.T, s *server) string {
		t.Helper()
		busy := s.occupy(t, endless)
		said := tell(t, s, s.expect(t, len(printing)), last(atCapacity("Every slot is taken. Runs in flight: 1; the oldest for … s.")))
		if err := busy.Reset(); err != nil {
			t.Error(err)
		}
		return said
	}},
	{name: "Expect, and leaves", act: func(t *testing.T, s *server) string {
		t.Helper()
		if err := s.expect(t, len(printing)).Leave(); err != nil {
			t.Error(err)
		}
		return "\t\tgone"
	}},
}

// expect sends headers that announce a body of this length, and ask for leave.
func (s *server) expect(t *testing.T, length int) *rawhttp.Conn {
	t.Helper()
	conn := s.dial(t)
	if err := conn.Send(rawhttp.PostJSON("/execute", "", length, "Expect: 100-continue")); err != nil {
		t.Fatal(err)
	}
	return conn
}
