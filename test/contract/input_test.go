//go:build linux

package contract

import (
	"net/http"
	"strings"
	"testing"
)

// A program finds what it was started with, its next one does not, and what it does not
// read is nobody's trouble.
func TestInputs(t *testing.T) {
	t.Parallel()
	s := start(t, serve, "SANDBOX_PROFILE="+observingWith(t, "env: [APP_*]\n"))
	const show = "import os, sys\nprint(sys.argv[1:], os.environ.get('APP_NAME'), repr(sys.stdin.read()))"
	wantPrinted(t, s.do(t, program{
		Code: show, Stdin: "héllo\n\x00", Args: []string{"-v", ""}, Env: map[string]string{"APP_NAME": "a b"},
	}.request()), "['-v', ''] a b 'héllo\\n\\x00'\n")
	wantPrinted(t, s.do(t, program{Code: show}.request()), "[] None ''\n")
	big := strings.Repeat("x", 1_000_000)
	wantPrinted(t, s.do(t, program{Code: "import sys\nprint(len(sys.stdin.read()))", Stdin: big}.request()), "1000000\n")
	wantPrinted(t, s.do(t, program{Code: "print(1)", Stdin: big}.request()), "1\n")
	wantPrinted(t, s.do(t, program{Code: "import os\nos.close(0)\nprint(2)", Stdin: big}.request()), "2\n")
	for name, bad := range map[string]program{
		"body.env.PATH":    {Code: show, Env: map[string]string{"PATH": "/"}},
		"body.args[0]":     {Code: show, Args: []string{"a\x00"}},
		"body.env.APP_ÄGE": {Code: show, Env: map[string]string{"APP_ÄGE": ""}},
	} {
		if resp := s.do(t, bad.request()); resp.Status != http.StatusUnprocessableEntity || !strings.Contains(string(resp.Body), name) {
			t.Errorf("%s: got %v", name, resp)
		}
	}
}

const acceptEvents = "Accept: text/event-stream"

// Events arrive while the program waits for what is sent after them: here, for nothing
// but time.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := start(t, serve, "SANDBOX_PROFILE="+observing(t))
	conn := s.dial(t)
	send(t, conn, program{Code: "import time\nprint('first')\nwhile True: time.sleep(1)", Timeout: 30}.request(acceptEvents))
	head := ""
	for !strings.HasSuffix(head, "}\n\n") {
		part, err := conn.ReadAtMost(1, answerTime)
		if err != nil {
			t.Fatalf("%v after %q", err, head)
		}
		head += string(part)
	}
	if !strings.Contains(head, "Content-Type: text/event-stream\r\n") || !strings.Contains(head, "event: stdout\ndata: {\"text\":\"first\\n\"}\n\n") {
		t.Errorf("got %q", head)
	}
	// Whoever leaves has the run killed, as always.
	if err := conn.Leave(); err != nil {
		t.Fatal(err)
	}
	s.wantNextOnceLeft(t)

	resp := s.do(t, program{Code: "import sys\nprint('a')\nprint('é', file=sys.stderr)\nsys.exit(3)"}.request(acceptEvents))
	body := string(resp.Body)
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	if last := events[len(events)-1]; resp.Status != http.StatusOK || !strings.HasPrefix(last, "event: result\ndata: {\"stdout\":\"a\\n\",\"stderr\":\"é\\n\",\"exit_code\":3,") {
		t.Errorf("%d, at the end %q", resp.Status, last)
	}
	for _, want := range []string{"event: stdout\ndata: {\"text\":\"a\\n\"}", "event: stderr\ndata: {\"text\":\"é\\n\"}"} {
		if strings.Count(body, want) != 1 {
			t.Errorf("no %q once in %q", want, body)
		}
	}
}

// What is refused before anything was printed is refused as always.
func TestRefusedInsteadOfEvents(t *testing.T) {
	t.Parallel()
	s := start(t, serve)
	if resp := s.do(t, program{Code: "import os"}.request(acceptEvents)); resp.Status != http.StatusBadRequest {
		t.Errorf("got %v, want 400", resp)
	}
}
