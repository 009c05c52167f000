//go:build linux

package contract

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// Times after which a client that is too slow has its answer.
const (
	bodyTime   = 10 * time.Second // for a body, from the check that lets it in
	headerTime = 5 * time.Second  // on serve, for headers: from the accept, or on a used connection from the first byte
	late       = 3 * time.Second  // what a loaded machine may add
)

// A slowClient is one that takes its time: it sends begin at once, body when it is
// told to, and more from time to time.
type slowClient struct {
	name   string
	used   bool // it had an answer on this connection before
	begin  string
	body   string // after "100 Continue", by which it knows that it was let in
	more   string
	within time.Duration // how long it may take
	want   reply         // of status 0: the connection is closed without one
	only   string        // the one binary whose server has a bound against it
}

const asking = "Expect: 100-continue"

const halfHeaders = "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "

var bodyLate = reply{status: http.StatusRequestTimeout, slug: "body-timeout", says: "The body did not arrive within 10s.", closes: true}

// Those with a body are fewer by three than there are places for bodies, so that
// others are served beside them, also while the reply before is on its way.
var slowClients = []slowClient{
	{name: "half a body", begin: rawhttp.PostJSON("/execute", "", 1000, asking), body: `{"code":`, within: bodyTime, want: bodyLate},
	{name: "a body, byte by byte", begin: rawhttp.PostJSON("/execute", "", 1000, asking), body: `{"code":`, more: " ", within: bodyTime, want: bodyLate},
	{name: "a body, a chunk of one byte at a time", begin: framed("Transfer-Encoding: chunked\r\n"+asking, ""), body: chunk(`{`), more: chunk(" "), within: bodyTime, want: bodyLate},
	{name: "half of its headers", begin: halfHeaders, within: headerTime, only: serve.name},
	{name: "headers, byte by byte", begin: halfHeaders, more: "x", within: headerTime, only: serve.name},
	{name: "half of its headers, second request", used: true, begin: halfHeaders, within: headerTime, only: serve.name},
	{name: "headers, byte by byte, second request", used: true, begin: halfHeaders, more: "x", within: headerTime, only: serve.name},
}

// Clients that take their time meet the time-outs, all of them at once; and the
// next request is served beside them and after them.
func TestSlowClients(t *testing.T) {
	requireLong(t, bodyTime)
	t.Parallel()
	var open []*slowConn
	for _, bin := range both {
		s := start(t, bin, "SANDBOX_MAX_CONCURRENCY=2")
		for _, c := range slowClients {
			if c.only == "" || c.only == bin.name {
				open = append(open, s.slow(t, c))
				s.wantNext(t)
			}
		}
	}
	for waiting := len(open); waiting > 0; {
		for _, c := range open {
			if c.took == 0 && c.goOn(time.Second/time.Duration(4*len(open))) {
				waiting--
			}
		}
	}
	table := &answers{}
	for _, c := range open {
		table.add(c.server.bin.name+": "+c.name, c.end(t))
		c.server.wantNext(t)
	}
	t.Logf("%d slow clients tried\n%s", len(open), table)
}

// A slowConn is a slow client's connection.
type slowConn struct {
	slowClient
	server *server
	conn   *rawhttp.Conn
	began  time.Time
	took   time.Duration // until the answer or the end, 0 before
}

func (s *server) slow(t *testing.T, c slowClient) *slowConn {
	t.Helper()
	conn := s.dial(t)
	if c.used {
		send(t, conn, get("/livez"))
		wantStatus(t, get("/livez"), s.answer(t, conn, get("/livez"), answerTime), http.StatusOK)
	}
	began := time.Now()
	if err := conn.Send(c.begin); err != nil {
		t.Fatal(err)
	}
	if c.body != "" {
		if interim, err := conn.Response(answerTime); err != nil || interim.Status != http.StatusContinue {
			t.Fatalf("%s: got %v, %v, want 100", c.name, interim, err)
		}
		if err := conn.Send(c.body); err != nil {
			t.Fatal(err)
		}
	}
	return &slowConn{slowClient: c, server: s, conn: conn, began: began}
}

// goOn sends more, unless something comes within pause, or should have by now: then
// it is true.
func (c *slowConn) goOn(pause time.Duration) bool {
	if err := c.conn.Answered(pause); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(c.began) > c.within+late {
		c.took = time.Since(c.began)
		return true
	}
	_ = c.conn.Send(c.more) // an error has its cause, which the next look sees
	return false
}

// end holds what came against what was to come, and returns it in short.
func (c *slowConn) end(t *testing.T) string {
	t.Helper()
	if c.took < c.within-time.Second || c.took > c.within+late {
		t.Errorf("%s: ended after %v, want %v", c.name, c.took, c.within)
	}
	said := "\t\tclosed"
	if c.want.status != 0 {
		said = tell(t, c.server, c.conn, c.want)
	} else if !c.conn.Closed(atOnce) {
		t.Errorf("%s: the connection is still open", c.name)
	}
	return said + fmt.Sprintf(" after %.1f s", c.took.Seconds())
}

// requireLong skips with -short what takes so long.
func requireLong(t *testing.T, takes time.Duration) {
	t.Helper()
	if testing.Short() {
		t.Skipf("time: want %v, have -short", takes)
	}
}
