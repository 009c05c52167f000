//go:build linux

package contract

import (
	"net/http"
	"testing"

	"codecell/test/rawhttp"
)

// A moment is when a client leaves.
type moment struct {
	name string
	// reach returns a connection at that moment, and what is to be done once the
	// client has left, or nil.
	reach func(t *testing.T, s *server) (conn *rawhttp.Conn, then func(*testing.T))
	// half is the answer to a client that stops sending then and goes on reading;
	// of status 0 where the connection ends without one.
	half reply
}

// sent is the moment after these bytes.
func sent(raw string) func(*testing.T, *server) (*rawhttp.Conn, func(*testing.T)) {
	return func(t *testing.T, s *server) (*rawhttp.Conn, func(*testing.T)) {
		t.Helper()
		conn := s.dial(t)
		if err := conn.Send(raw); err != nil {
			t.Fatal(err)
		}
		return conn, nil
	}
}

var (
	givenUp = reply{
		status: http.StatusServiceUnavailable, slug: "run-lost", header: []string{"Retry-After: 1"},
		says: "The request was given up, by its sender or at the platform's deadline, and its run was ended. It is safe to send the request again.",
	}
	badRequestLine = noHTTP(http.StatusBadRequest, "400 Bad Request")
)

// moments are those that need no line to wait in.
var moments = []moment{
	{name: "before the first byte", reach: sent("")},
	{name: "in the request line", reach: sent("POST /exe"), half: badRequestLine},
	{name: "in the headers", reach: sent("POST /execute HTTP/1.1\r\nHost: local"), half: badRequestLine},
	{name: "before the body", reach: sent(rawhttp.PostJSON("/execute", "", 100)), half: incomplete},
	{name: "in the body", reach: sent(rawhttp.PostJSON("/execute", `{"code":`, 100)), half: incomplete},
	{name: "in a large body", reach: sent(rawhttp.PostJSON("/execute", sized(maxBody).body[:maxBody/2], maxBody)), half: incomplete},
	{name: "in a chunk's size", reach: sent(framed("Transfer-Encoding: chunked", "1")), half: incomplete},
	{name: "in a chunk", reach: sent(framed("Transfer-Encoding: chunked", "14\r\n{")), half: incomplete},
	{name: "before the last chunk", reach: sent(framed("Transfer-Encoding: chunked", chunk(printing))), half: incomplete},
	{
		name: "during the run", half: givenUp,
		reach: func(t *testing.T, s *server) (*rawhttp.Conn, func(*testing.T)) {
			t.Helper()
			return s.occupy(t, endless), nil
		},
	},
	{name: "with the answer unread", reach: answered(good), half: printed("42\n")},
	{name: "with a long answer unread", reach: answered(longest.request()), half: printed("…\n[output truncated at 50 KB]")},
	{
		name: "after the answer",
		reach: func(t *testing.T, s *server) (*rawhttp.Conn, func(*testing.T)) {
			t.Helper()
			conn := s.dial(t)
			send(t, conn, good)
			wantPrinted(t, s.answer(t, conn, good, answerTime), "42\n")
			return conn, nil
		},
	},
}

// answered is the moment when the first bytes of the answer to r have come.
func answered(r request) func(*testing.T, *server) (*rawhttp.Conn, func(*testing.T)) {
	return func(t *testing.T, s *server) (*rawhttp.Conn, func(*testing.T)) {
		t.Helper()
		conn := s.dial(t)
		send(t, conn, r)
		if err := conn.Answered(answerTime); err != nil {
			t.Fatal(err)
		}
		return conn, nil
	}
}

// inLine is the moment while another one's run is waited for.
var inLine = moment{
	name: "in line", half: givenUp,
	reach: func(t *testing.T, s *server) (*rawhttp.Conn, func(*testing.T)) {
		t.Helper()
		busy, conn := s.occupy(t, endless), s.dial(t)
		send(t, conn, good)
		s.await(t, "one in line", func(a admission) bool { return a.Waiting == 1 })
		return conn, func(t *testing.T) {
			t.Helper()
			s.await(t, "none in line", func(a admission) bool { return a.Waiting == 0 && a.InFlight == 1 })
			if err := busy.Reset(); err != nil {
				t.Error(err)
			}
		}
	},
}

// leaving has a client for each moment and each way to leave.
func leaving(moments ...moment) []badClient {
	var clients []badClient
	for _, m := range moments {
		leave := func(how string, leave func(*testing.T, *server, *rawhttp.Conn) string) {
			clients = append(clients, badClient{name: m.name + ", " + how, act: func(t *testing.T, s *server) string {
				t.Helper()
				conn, then := m.reach(t, s)
				became := leave(t, s, conn)
				if then != nil {
					then(t)
				}
				return became
			}})
		}
		quit := func(leave func(*rawhttp.Conn) error) func(*testing.T, *server, *rawhttp.Conn) string {
			return func(t *testing.T, _ *server, conn *rawhttp.Conn) string {
				t.Helper()
				if err := leave(conn); err != nil {
					t.Fatal(err)
				}
				return "\t\tgone"
			}
		}
		leave("FIN", quit((*rawhttp.Conn).Leave))
		leave("RST", quit((*rawhttp.Conn).Reset))
		leave("half-close", func(t *testing.T, s *server, conn *rawhttp.Conn) string {
			t.Helper()
			if err := conn.StopSending(); err != nil {
				t.Fatal(err)
			}
			said := "\t\tno answer"
			if m.half.status != 0 {
				said = tell(t, s, conn, m.half)
			}
			if m.half.closes {
				return said
			}
			if !conn.Closed(answerTime) {
				t.Error("the connection is still open")
			}
			return said + "; closed"
		})
	}
	return clients
}
