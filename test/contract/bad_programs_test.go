//go:build linux

package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// A badProgram is one that means harm, or does it by accident, with the exact
// answer that its caller has.
type badProgram struct {
	name    string
	code    string
	body    string  // in place of code: the whole body
	timeout float64 // seconds; 0: programTime
	memory  int     // MiB; 0: the profile's
	want    ending
}

// An ending is the answer to a program. In stdout, stderr and says, "…" stands for
// any text, once.
type ending struct {
	status         int
	outcome        string
	exit           int
	stdout, stderr string
	cutStdout      bool // the stream is longer than what is kept
	cutStderr      bool
	says           string // a refusal's violations, a line each; without any, its error
}

// Endings that many programs share.
func well(stdout string) ending {
	return ending{status: http.StatusOK, outcome: "ok", stdout: stdout}
}

func failed(exit int, stdout, stderr string) ending {
	return ending{status: http.StatusOK, outcome: "failed", exit: exit, stdout: stdout, stderr: stderr}
}

func crashed(signal int, stdout, stderr string) ending {
	return ending{status: http.StatusOK, outcome: "crashed", exit: -signal, stdout: stdout, stderr: stderr}
}

func killedAtDeadline(stdout string) ending {
	return ending{
		status: http.StatusOK, outcome: "timeout", exit: -9, stdout: stdout,
		stderr: fmt.Sprintf("…Execution timed out after %.1fs", short),
	}
}

func refused(says string) ending {
	return ending{status: http.StatusBadRequest, says: says}
}

const short = 0.5 // seconds, for a program that never ends

// programTime is how many seconds one has that ends by itself on a loaded machine.
var programTime = float64(15 * slowness)

// The policy is advice; with it the programs below would be told about their
// imports, and here they shall do what they came for.
func observing(t *testing.T) string { return observingWith(t, "") }

// observingWith is the same with more of a profile's keys.
func observingWith(t *testing.T, keys string) string {
	t.Helper()
	const observe = "extends: minimal\nname: observing\npolicy: {ast_scan: {mode: observe}, blocklist_audit: {mode: observe}}\n"
	path := filepath.Join(t.TempDir(), "observing.yaml")
	if err := os.WriteFile(path, []byte(observe+keys), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever a program is or does has its exact answer, and the next one runs at once.
func TestBadPrograms(t *testing.T) {
	t.Parallel()
	for _, group := range []struct {
		name     string
		profile  func(*testing.T) string
		programs []badProgram
	}{
		{"sources", func(*testing.T) string { return "minimal" }, badSources},
		{"sources observed", observing, observedSources},
		{"acts", observing, badActs},
		{"signals", observing, signals()},
		{"descriptors", observing, badDescriptors},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			const slots = 4
			s := start(t, serve, "SANDBOX_PROFILE="+group.profile(t), "SANDBOX_MAX_CONCURRENCY="+itoa(slots), "SANDBOX_MAX_WAIT=10s")
			table := &answers{}
			t.Cleanup(func() { t.Logf("%d programs tried\n%s", len(group.programs), table) })
			places := make(chan struct{}, slots) // as many at once as there are slots
			for _, p := range group.programs {
				t.Run(p.name, func(t *testing.T) {
					t.Parallel()
					places <- struct{}{}
					defer func() { <-places }()
					resp := s.do(t, p.request())
					table.add(p.name, p.want.check(t, resp.Status, resp.Body))

					begin := time.Now()
					wantPrinted(t, s.do(t, program{Code: "print(42)"}.request()), "42\n")
					if took := time.Since(begin); took > 2*time.Second {
						t.Errorf("the next program waited %v", took)
					}
				})
			}
		})
	}
}

func (p badProgram) request() request {
	if p.body != "" {
		return execute(p.body)
	}
	timeout := p.timeout
	if timeout == 0 {
		timeout = programTime
	}
	return program{Code: p.code, Timeout: timeout, MemoryMB: p.memory}.request()
}

// check holds an answer against e, and returns it in short.
func (e ending) check(t *testing.T, status int, body []byte) string {
	t.Helper()
	if status != http.StatusOK {
		var p problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatalf("%d %s: %v", status, body, err)
		}
		said := strings.Join(p.Violations, "\n")
		if said == "" {
			said = p.Error
		}
		if status != e.status || !matches(said, e.says) {
			t.Errorf("got %d %q, want %d %q", status, said, e.status, e.says)
		}
		return fmt.Sprintf("%d\t\t\t%s", status, abridged(said))
	}
	var r result
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if status != e.status || r.Outcome != e.outcome || r.ExitCode != e.exit {
		t.Errorf("got %d %s, exit %d, want %d %s, exit %d", status, r.Outcome, r.ExitCode, e.status, e.outcome, e.exit)
	}
	if want := e.outcome == "timeout" && e.exit == -9; r.TimedOut != want {
		t.Errorf("timed_out is %v, want %v", r.TimedOut, want)
	}
	if !matches(r.Stdout, e.stdout) {
		t.Errorf("stdout is %s, want %q", abridged(r.Stdout), e.stdout)
	}
	if !matches(r.Stderr, e.stderr) {
		t.Errorf("stderr is %s, want %q", abridged(r.Stderr), e.stderr)
	}
	if strings.Contains(r.Stderr, "<codecell/") {
		t.Errorf("a frame of ours in %s", r.Stderr)
	}
	if r.Truncated.Stdout != e.cutStdout || r.Truncated.Stderr != e.cutStderr {
		t.Errorf("truncated: %+v, want %v %v", r.Truncated, e.cutStdout, e.cutStderr)
	}
	return fmt.Sprintf("%d\t%s\t%d\t%s %s", status, r.Outcome, r.ExitCode, abridged(r.Stdout), abridged(r.Stderr))
}

// matches says whether text is as the pattern, in which one "…" stands for any.
func matches(text, pattern string) bool {
	before, after, open := strings.Cut(pattern, "…")
	if !open {
		return text == pattern
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}

// abridged is text, quoted, on one short line: its end says most.
func abridged(text string) string {
	const most = 60
	if len(text) <= most {
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("(%d bytes) %q", len(text), text[len(text)-most:])
}

// answers is the table that a test prints.
type answers struct {
	mu   sync.Mutex
	rows []string
}

func (a *answers) add(name, answer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rows = append(a.rows, name+"\t"+answer)
}

func (a *answers) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, strings.Join(a.rows, "\n")) // into memory
	_ = w.Flush()
	return b.String()
}
