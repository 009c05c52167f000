//go:build linux

package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"codecell/test/e2e/cell"
)

// A Target is the server under attack, as a client attack sees it. Its methods
// may be called by several goroutines at once.
type Target struct {
	URL   string // http://127.0.0.1:PORT
	Addr  string // 127.0.0.1:PORT, for rawhttp
	Slots int    // runs at once
	// Server is its process, by the machine's number.
	Server cell.Proc
	// Has is what its profile gives programs.
	Has Need
	// SoakFor is how long the soak lasts.
	SoakFor time.Duration

	mu   sync.Mutex
	seen map[Seen]int
	ends map[End]int
	odd  []string // answers that are none of the contract's, for people
}

// Execute posts a program and counts the answer.
func (t *Target) Execute(ctx context.Context, c *cell.Client, r cell.Request) (cell.Answer, error) {
	a, err := c.Execute(ctx, r)
	switch {
	case ctx.Err() != nil:
		t.Saw(Left)
	case err != nil && a.Status == 0:
		t.Saw(Closed)
	default:
		t.SawAnswer(a)
	}
	return a, err
}

// Client returns a client whose requests take at most timeout each.
func (t *Target) Client(timeout time.Duration) *cell.Client {
	return (&cell.Server{URL: t.URL}).Client(timeout)
}

// Saw counts what came, or did not.
func (t *Target) Saw(s Seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen == nil {
		t.seen = make(map[Seen]int)
	}
	t.seen[s]++
}

// SawStatus counts an answer that a raw client read: its status and its body.
func (t *Target) SawStatus(status int, body []byte) { t.Saw(answered(status, slugOf(body))) }

// SawAnswer counts an answer and, of a program that ran, its end.
func (t *Target) SawAnswer(a cell.Answer) {
	t.Saw(answered(a.Status, a.Problem()))
	end := endOf(a)
	if end == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ends == nil {
		t.ends = make(map[End]int)
	}
	t.ends[end]++
	if !slices.Contains(ends, end) {
		t.odd = append(t.odd, a.String())
	}
}

// endOf is how the run ended, "" if there was none.
func endOf(a cell.Answer) End {
	if a.Status != 200 {
		return ""
	}
	if a.Outcome == string(MemoryLimit) && a.ExitCode >= 0 {
		return MemoryError
	}
	return End(a.Outcome)
}

// slugOf finds the problem's type in its body without decoding it: a raw client
// may have read it in pieces.
func slugOf(body []byte) string {
	_, after, ok := strings.Cut(string(body), `"urn:codecell:problem:`)
	if !ok {
		return ""
	}
	slug, _, _ := strings.Cut(after, `"`)
	return slug
}

// Signal sends a signal to the server.
func (t *Target) Signal(sig syscall.Signal) error { return syscall.Kill(t.Server.PID, sig) }

// Zygotes are the server's warm interpreters, by the machine's process numbers.
func (t *Target) Zygotes() ([]cell.Proc, error) {
	return (&cell.Server{URL: t.URL, Proc: t.Server}).Zygotes()
}

// counts returns copies of what was counted.
func (t *Target) counts() (map[Seen]int, map[End]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.seen), maps.Clone(t.ends)
}
