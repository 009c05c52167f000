//go:build linux

package contract

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// What the kernel denies a program has a name in the answer and in the request's line, and
// is denied all the same.
func TestDeniedCalls(t *testing.T) {
	t.Parallel()
	requireFiles(t)
	s := start(t, serve, "SANDBOX_PROFILE=standard", "SANDBOX_MAX_CONCURRENCY=1")
	for n, c := range []struct {
		code, stdout string
		want         []string
	}{
		{"import socket\ntry: socket.socket()\nexcept PermissionError as exc: print(exc)", "[Errno 1] Operation not permitted\n", []string{"socket"}},
		{"import os\ntry: os.fork()\nexcept PermissionError: print('no')", "no\n", []string{"clone"}},
		{"import subprocess\ntry: subprocess.run(['true'])\nexcept PermissionError: print('no')", "no\n", []string{"vfork"}},
		{"print('quiet')", "quiet\n", nil},
	} {
		resp := s.do(t, program{Code: c.code}.request())
		wantPrinted(t, resp, c.stdout)
		var answer struct{ Denied []string }
		if err := json.Unmarshal(resp.Body, &answer); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(answer.Denied, c.want) || (c.want == nil) == strings.Contains(string(resp.Body), "denied") {
			t.Errorf("%q: %s, want %q", c.code, resp.Body, c.want)
		}
		if line := s.requestLine(t, n); !strings.Contains(line, strings.Join(c.want, "")) || (c.want == nil) == strings.Contains(line, `"denied"`) {
			t.Errorf("%q: %s", c.code, line)
		}
	}
}

// requestLine waits for the line of the server's nth request in its log, from 0.
func (s *server) requestLine(t *testing.T, n int) string {
	t.Helper()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		var lines []string
		for line := range strings.Lines(s.log.String()) {
			if strings.Contains(line, `"message":"request"`) {
				lines = append(lines, line)
			}
		}
		if len(lines) > n {
			return lines[n]
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("%d lines of requests, want one more", len(lines))
		}
	}
}
