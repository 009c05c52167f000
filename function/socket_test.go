package function

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"codecell/sandbox"
	"codecell/test/rawhttp"
)

// soon is how long an answer may take that does not wait for a body.
const soon = 500 * time.Millisecond

// TestRefusedUnread: who has sent only headers has an answer, whatever is still
// to come and however it is announced.
func TestRefusedUnread(t *testing.T) {
	box, started, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	srv.send(t, rawPost(code("block")))
	expect(t, started, "start")

	const chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked"
	for _, c := range []struct {
		name, raw string
		status    int
	}{
		{"1000", rawhttp.PostJSON("/execute", "", 1000), 429},
		{"200,000", rawhttp.PostJSON("/execute", "", 200_000), 429},
		{"1,000,000", rawhttp.PostJSON("/execute", "", 1_000_000), 429},
		{"half of it", rawhttp.PostJSON("/execute", `{"code":`, 1000), 429},
		{"chunked", rawhttp.Request("POST", "/execute", "", chunked), 429},
		{"chunked, half of it", rawhttp.Request("POST", "/execute", "5\r\n{\"cod\r\n", chunked), 429},
		{"too large", rawhttp.PostJSON("/execute", "", MaxBody+1), 413},
		{"type", rawhttp.Request("POST", "/execute", "", "Content-Length: 1000"), 415},
		{"no route", rawhttp.PostJSON("/nowhere", "", 1000), 404},
		{"GET with a body", rawhttp.Request("GET", "/profile", "", "Content-Length: 1000"), 200},
		{"expects", rawhttp.PostJSON("/execute", "", 1000, "Expect: 100-continue"), 429},
		{"expects to send much", rawhttp.PostJSON("/execute", "", MaxBody+1, "Expect: 100-continue"), 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := srv.send(t, c.raw)
			a := within(t, conn, soon)
			if a.Status != c.status {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			if !a.Close {
				t.Error("the rest of the body would be taken for the next request")
			}
			if !conn.Closed(wait) {
				t.Error("the connection stays open")
			}
		})
	}
}

// TestRefusedPolitely: a client that has sent its body keeps its connection.
func TestRefusedPolitely(t *testing.T) {
	box, started, finish := newFakeBox()
	srv := serve(t, testConfig(t), box)
	srv.send(t, rawPost(code("block")))
	expect(t, started, "start")
	conn := srv.dial(t)
	chunked := rawhttp.Request("POST", "/execute", "d\r\n{\"code\":\"ok\"}\r\n0\r\n\r\n", "Content-Type: application/json", "Transfer-Encoding: chunked")
	for _, raw := range []string{rawPost(code("ok")), chunked, rawPost(code(strings.Repeat("#", 60_000)))} {
		if err := conn.Send(raw); err != nil {
			t.Fatal(err)
		}
		if a := within(t, conn, soon); a.Status != 429 || a.Close {
			t.Fatalf("got %d, close %v", a.Status, a.Close)
		}
	}
	close(finish)
	// And it can still be seen to leave: no deadline or context is left over.
	if err := conn.Send(rawPost(code("ok"))); err != nil {
		t.Fatal(err)
	}
	if a := within(t, conn, wait); a.Status != 200 && a.Status != 429 { // 429: the first has not ended yet
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// TestExpectContinue: "100 Continue" is for who is let in, and only then.
func TestExpectContinue(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	body := code("ok")
	conn := srv.send(t, rawhttp.PostJSON("/execute", "", len(body), "Expect: 100-continue"))
	if a := within(t, conn, wait); a.Status != http.StatusContinue {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	if err := conn.Send(body); err != nil {
		t.Fatal(err)
	}
	if a := within(t, conn, wait); a.Status != 200 {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
}

// TestBodySizes: 1 MiB exactly is let in, one byte more is not, however it comes.
func TestBodySizes(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	full := `{"code":"` + strings.Repeat("#", MaxBody-11) + `"}`
	chunks := func(body string) string {
		return rawhttp.Request("POST", "/execute", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body),
			"Content-Type: application/json", "Transfer-Encoding: chunked")
	}
	for _, c := range []struct {
		name, raw string
		status    int
	}{
		{"announced", rawPost(full), 200},
		{"announced, one more", rawPost(full + " "), 413},
		{"chunked", chunks(full), 200},
		{"chunked, one more", chunks(full + " "), 413},
		{"chunked, many more", chunks(full + strings.Repeat(" ", 100_000)), 413},
		{"empty", rawPost(""), 400},
		{"chunked, empty", rawhttp.Request("POST", "/execute", "0\r\n\r\n", "Content-Type: application/json", "Transfer-Encoding: chunked"), 400},
		{"chunked badly", rawhttp.Request("POST", "/execute", "zz\r\n", "Content-Type: application/json", "Transfer-Encoding: chunked"), 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := srv.send(t, c.raw)
			a := within(t, conn, wait)
			if a.Status != c.status {
				t.Errorf("got %d %.200s", a.Status, a.Body)
			}
			conforms(t, "POST", "/execute", a)
		})
	}
	if held := len(srv.service.intake); held != 0 {
		// The handler may still be on its way out; the next one has to wait for it.
		srv.Close()
		if held = len(srv.service.intake); held != 0 {
			t.Errorf("%d are still in intake", held)
		}
	}
}

// TestBodyEndsWithItsLastByte: a Reader may tell the end with the last bytes or
// after them, and the bound is the same.
func TestBodyEndsWithItsLastByte(t *testing.T) {
	for length, want := range map[int]error{0: nil, 1: nil, MaxBody: nil, MaxBody + 1: errTooLarge, MaxBody + 2: errTooLarge} {
		for _, announced := range []bool{true, false} {
			if announced && length > MaxBody {
				continue // refused before
			}
			for name, how := range map[string]func(io.Reader) io.Reader{
				"with":  iotest.DataErrReader,
				"after": func(r io.Reader) io.Reader { return r },
			} {
				body := how(strings.NewReader(strings.Repeat("x", length)))
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body)
				r.ContentLength = -1
				if announced {
					r.ContentLength = int64(length)
				}
				b, err := newExchange(httptest.NewRecorder(), r, nil).readBody(t.Context())
				if !errors.Is(err, want) || err == nil && len(b) != length {
					t.Errorf("%d bytes, announced %v, end %s: got %d, %v", length, announced, name, len(b), err)
				}
			}
		}
	}
}

// TestIntakeRefusesUnread: stalled bodies keep others out at the door; they are
// not let in one by one, and probes are not kept out.
func TestIntakeRefusesUnread(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	var stalled []*rawhttp.Conn
	for range cap(srv.service.intake) {
		c := srv.send(t, rawhttp.PostJSON("/execute", "", 20, "Expect: 100-continue"))
		if a := within(t, c, wait); a.Status != http.StatusContinue { // it is inside
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
		stalled = append(stalled, c)
	}
	a := within(t, srv.send(t, rawhttp.PostJSON("/execute", "", 1000)), soon)
	if a.Status != 429 || a.JSON["retry_after"] != 1.0 || a.JSON["latest_free_ms"] != nil {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	conforms(t, "POST", "/execute", a)
	for _, path := range []string{"/livez", "/readyz", "/profile", "/openapi.json"} {
		if a := srv.do(t, srv.request(t, "GET", path, "")); a.Status != 200 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for _, c := range stalled {
		if err := c.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	srv.Close() // every handler has ended
	if held := len(srv.service.intake); held != 0 {
		t.Errorf("%d are still in intake", held)
	}
}

// TestClientLeaves: its run is killed, and its slot is free only when Run has
// returned, which is when the process is reaped.
func TestClientLeaves(t *testing.T) {
	for name, leave := range map[string]func(*rawhttp.Conn) error{"FIN": (*rawhttp.Conn).Leave, "RST": (*rawhttp.Conn).Reset} {
		t.Run(name, func(t *testing.T) {
			box, _, _ := newFakeBox()
			started, killed, reaped := make(chan struct{}), make(chan struct{}), make(chan struct{})
			box.runs["leave"] = func(ctx context.Context, job sandbox.Job) (sandbox.Result, error) {
				close(started)
				<-ctx.Done()
				job.Killed()
				close(killed)
				<-reaped
				return sandbox.Result{}, context.Cause(ctx)
			}
			srv := serve(t, testConfig(t), box)
			conn := srv.send(t, rawPost(code("leave")))
			expect(t, started, "start")
			if err := leave(conn); err != nil {
				t.Fatal(err)
			}
			expect(t, killed, "kill")
			if now := srv.service.gate.Occupancy(); now.InFlight != 1 {
				t.Errorf("the slot is free before the reap: %+v", now)
			}
			// Who comes now is let in, and waits for the reap.
			next := srv.send(t, rawPost(code("ok")))
			until(t, "the next one waits", func() bool { return srv.service.gate.Occupancy().Waiting == 1 })
			close(reaped)
			if a := within(t, next, wait); a.Status != 200 {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
		})
	}
}

// TestWaiterLeaves: it gives up its place in the line, and never runs.
func TestWaiterLeaves(t *testing.T) {
	box, started, finish := newFakeBox()
	srv := serve(t, testConfig(t, "SANDBOX_MAX_WAIT=30s"), box)
	first := srv.send(t, rawPost(code("block")))
	expect(t, started, "start")
	waiting := func(n int) {
		t.Helper()
		until(t, fmt.Sprintf("%d wait", n), func() bool { return srv.service.gate.Occupancy().Waiting == n })
	}
	var line []*rawhttp.Conn
	for n := range linePerSlot {
		line = append(line, srv.send(t, rawPost(code("ok"))))
		waiting(n + 1)
	}
	if a := within(t, srv.send(t, rawhttp.PostJSON("/execute", "", 1000)), soon); a.Status != 429 {
		t.Errorf("the line is longer than %d: %d", linePerSlot, a.Status)
	}
	if err := line[0].Leave(); err != nil {
		t.Fatal(err)
	}
	waiting(linePerSlot - 1)
	line = append(line[1:], srv.send(t, rawPost(code("ok"))))
	waiting(linePerSlot)
	close(finish)
	for _, c := range append(line, first) {
		if a := within(t, c, wait); a.Status != 200 {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	}
}

// TestNextRequestNeverMeetsThisOne: a caller that asks again as soon as it has
// its answer, on the same connection, finds its slot free.
func TestNextRequestNeverMeetsThisOne(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	conn := srv.dial(t)
	for i := range 300 {
		if err := conn.Send(rawPost(code("ok"))); err != nil {
			t.Fatal(err)
		}
		if a := within(t, conn, wait); a.Status != 200 {
			t.Fatalf("request %d met the one before it: %d %s", i, a.Status, a.Body)
		}
	}
}

// TestPipelining: requests sent at once are answered one after the other.
func TestPipelining(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	conn := srv.send(t, rawPost(code("ok"))+rawPost(`{`)+rawhttp.Request("GET", "/livez", "")+rawPost(code("ok")))
	for i, want := range []int{200, 400, 200, 200} {
		if a := within(t, conn, wait); a.Status != want {
			t.Errorf("answer %d: %d %s", i, a.Status, a.Body)
		}
	}
}

// TestSlowReader: a reply that is not read keeps its place in intake, not its slot.
func TestSlowReader(t *testing.T) {
	box, _, _ := newFakeBox()
	big := bytes.Repeat([]byte{1}, sandbox.CaptureLimit)
	printed := make(chan struct{})
	box.runs["print"] = func(context.Context, sandbox.Job) (sandbox.Result, error) {
		defer close(printed)
		return sandbox.Result{Stdout: sandbox.Output{Data: big}, Stderr: sandbox.Output{Data: big}, Outcome: sandbox.OutcomeOK}, nil
	}
	srv := serve(t, testConfig(t), box)
	conn := srv.dial(t)
	if err := conn.ShrinkWindow(4 << 10); err != nil {
		t.Fatal(err)
	}
	if err := conn.Send(rawPost(code("print"))); err != nil {
		t.Fatal(err)
	}
	expect(t, printed, "run")
	for range 20 {
		// The first may meet the run just before it gives its slot back.
		if a := srv.post(t, code("ok")); a.Status == 200 {
			break
		}
	}
	if a := srv.post(t, code("ok")); a.Status != 200 {
		t.Errorf("a reader that is slow holds the slot: %d %s", a.Status, a.Body)
	}
	for range 3 {
		if _, err := conn.ReadAtMost(1000, wait); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Reset(); err != nil {
		t.Fatal(err)
	}
}
