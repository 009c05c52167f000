//go:build linux

package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/rawhttp"
)

// The port opens only when the first zygote is warm: the first connection
// that is accepted is served.
func TestFirstConnectionIsReady(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			wantStatus(t, get("/readyz"), s.do(t, get("/readyz")), http.StatusOK)
		})
	}
}

// Who comes is served, whoever sits there, and no more connections than the cap stay
// open. Which one is given up can't be told from outside: an answer may arrive long before
// its server takes the connection for idle (TestFullCapGivesUpTheLongestIdle sees that).
func TestConnectionCap(t *testing.T) {
	t.Parallel()
	const limit = 8
	s := start(t, serve, "SANDBOX_MAX_CONNECTIONS=8")
	var used []*rawhttp.Conn
	for range 3 * limit {
		conn := s.dial(t)
		send(t, conn, get("/livez"))
		wantStatus(t, get("/livez"), s.answer(t, conn, get("/livez"), answerTime), http.StatusOK)
		used = append(used, conn)
	}
	open := 0
	for i, conn := range used {
		// An answer, or the end of the connection: which of the two is the question.
		sent := conn.Send(get("/livez").raw())
		resp, err := conn.Response(answerTime)
		switch {
		case sent == nil && err == nil:
			wantStatus(t, get("/livez"), resp, http.StatusOK)
			open++
		case !conn.Closed(answerTime):
			t.Errorf("connection %d neither answers nor ends: %v", i, err)
		case i == len(used)-1:
			t.Errorf("the newest connection was given up: %v", err)
		}
	}
	// One place may have been start's own, which asks nothing, until the server saw it go.
	if open != limit && open != limit-1 {
		t.Errorf("%d connections are open, want %d", open, limit)
	}
}

// A start that must be refused is refused in words, by both.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		env   string
		words []string
	}{
		{"a bad value", "SANDBOX_MAX_WAIT=soon", []string{"SANDBOX_MAX_WAIT", `"soon"`}},
		{"a profile that is not there", "SANDBOX_PROFILE=maximal", []string{"SANDBOX_PROFILE", "maximal"}},
		{"too little memory", "SANDBOX_MEMORY_LIMIT=300Mi", []string{"300", "MiB"}},
		{"more runs than fit", "SANDBOX_MAX_CONCURRENCY=1000", []string{"SANDBOX_MAX_CONCURRENCY"}},
		{"a layer that does not exist", "SANDBOX_REQUIRE=magic", []string{"magic"}},
		{"no interpreter", "SANDBOX_PYTHON=/nonexistent/python3", []string{"/nonexistent/python3"}},
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					s := launch(t, bin, tt.env)
					if s.awaitPort() {
						s.kill()
						t.Fatal("it started")
					}
					log := s.log.String()
					if code := s.state.ExitCode(); code != 1 {
						t.Errorf("exit code %d, want 1", code)
					}
					for _, word := range tt.words {
						if !strings.Contains(log, word) {
							t.Errorf("it does not name %s:\n%s", word, log)
						}
					}
					if strings.Contains(log, "goroutine ") {
						t.Errorf("it prints a stack:\n%s", log)
					}
					if bin.name == serve.name && strings.Count(log, "\n") != 1 {
						t.Errorf("it takes more than one line:\n%s", log)
					}
				})
			}
		})
	}
}

// awaitFamily polls until the server has that many descendants, and returns
// them. A run counts as in flight before its process is there.
func (s *server) awaitFamily(t *testing.T, n int) []cell.Proc {
	t.Helper()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		family, err := cell.Descendants(s.pid)
		if err != nil {
			t.Fatal(err)
		}
		if len(family) >= n {
			return family
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("the server's processes are %v, want %d", family, n)
		}
	}
}

// awaitGone polls until none of these processes is there any more: those that
// the kernel kills for their parent's death have no end that a test could see.
func awaitGone(t *testing.T, family []cell.Proc) {
	t.Helper()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		if family = slices.DeleteFunc(family, func(p cell.Proc) bool { return !p.Exists() }); len(family) == 0 {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("still there: %v", family)
		}
	}
}
