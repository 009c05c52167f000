//go:build linux

package contract

import (
	"slices"
	"testing"

	"codecell/test/rawhttp"
)

// A badClient is one, or a crowd of them, that does what clients don't. It acts
// against a server with one slot, and returns what became of it.
type badClient struct {
	name string
	act  func(t *testing.T, s *server) string
	only string // the one binary whose server has a bound against it
}

// Whatever a client does, the next one is served at once, and every permit is
// given back.
func TestBadClients(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		for _, group := range []struct {
			name    string
			env     []string
			clients []badClient
		}{
			{name: "leaving", clients: leaving(moments...)},
			{name: "leaving the line", env: []string{"SANDBOX_MAX_WAIT=60s"}, clients: leaving(inLine)},
			{name: "crowding", clients: slices.Concat(crowds, pipeliners, expecting)},
		} {
			t.Run(bin.name+" "+group.name, func(t *testing.T) {
				t.Parallel()
				clients := slices.DeleteFunc(slices.Clone(group.clients), func(c badClient) bool { return c.only != "" && c.only != bin.name })
				s := start(t, bin, group.env...)
				table := &answers{}
				t.Cleanup(func() { t.Logf("%d clients tried\n%s", len(clients), table) })
				for _, c := range clients {
					t.Run(c.name, func(t *testing.T) {
						table.add(c.name, c.act(t, s))
						s.wantNextOnceLeft(t)
					})
				}
			})
		}
	}
}

// wantNextOnceLeft is wantNext after a client that left, which the server has to
// see before it gives back what that one held: no event tells a client of it.
func (s *server) wantNextOnceLeft(t *testing.T) {
	t.Helper()
	s.wantServed(t, s.retry)
}

// tell holds the next answer on conn against want, and returns it in short.
func tell(t *testing.T, s *server, conn *rawhttp.Conn, want reply) string {
	t.Helper()
	r := execute("")
	var resp rawhttp.Response
	if want.slug == "" && want.status != 200 { // not the function's
		var err error
		if resp, err = conn.Response(answerTime); err != nil {
			t.Fatal(err)
		}
	} else {
		resp = s.answer(t, conn, r, answerTime)
	}
	said := want.check(t, r, resp)
	if !want.closes {
		return said
	}
	if !conn.Closed(answerTime) {
		t.Error("the connection is still open")
	}
	return said + "; closed"
}
