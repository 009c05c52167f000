//go:build linux

package pod

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

const (
	leaveRounds = 10
	// heldMiB takes the kernel tens of milliseconds to clear away, which is the
	// time in which a second program could run beside the first.
	heldMiB = 400
)

var (
	// holds fills its memory, and then has no end.
	holds = cell.Request{Code: fmt.Sprintf("held = b'1' * (%d << 20)\nwhile True: pass", heldMiB), Timeout: 30}
	// begins says when its first line ran.
	begins = cell.Request{Code: "import datetime\nprint(datetime.datetime.now().timestamp())"}
)

// queue-proxy frees its slot when a client leaves, and sends the next request
// while the program of the one before still runs. That two never run at once is
// the doing of the server's gate; the same with a gate for two shows that they
// would.
func TestClientLeaves(t *testing.T) {
	table := cell.NewTable("server", "rounds", "next one served", "refused (429)", "two at once", "for as long as")
	defer table.Print(t.Output())
	for _, test := range []struct {
		name string
		env  []string
		// What must come of it, over all rounds.
		allServed, alone bool
	}{
		{"as in the manifest", nil, true, true},
		{"without SANDBOX_MAX_WAIT", []string{"SANDBOX_MAX_WAIT=0s"}, false, true},
		{"with a gate for two", []string{"SANDBOX_MAX_CONCURRENCY=2", "SANDBOX_MEMORY_LIMIT=2Gi"}, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := startPod(t, test.env...)
			var served, refused, together int
			var longest time.Duration
			for range leaveRounds {
				next, overlap := p.leave(t)
				switch {
				case next.Status == http.StatusOK && next.Outcome == "ok":
					served++
				case next.Status == http.StatusTooManyRequests && next.Problem() == "at-capacity":
					refused++
				default:
					t.Errorf("the next one: %v", next)
				}
				if overlap > 0 {
					together++
					longest = max(longest, overlap)
				}
			}
			table.Row(test.name, leaveRounds, served, refused, together, longest.Round(time.Millisecond/10))
			if test.allServed && served != leaveRounds {
				t.Errorf("%d of %d served, want all", served, leaveRounds)
			}
			if test.alone && together > 0 {
				t.Errorf("two programs at once in %d of %d rounds, for %v", together, leaveRounds, longest)
			}
			if !test.alone && together == 0 {
				t.Error("never two programs at once: this test would not notice them")
			}
		})
	}
}

// leave sends a program that holds memory and one more behind it, leaves the
// first, and returns what came of the second, and for how long the first was
// seen to be there after the second had begun.
func (p *pod) leave(t *testing.T) (next cell.Answer, overlap time.Duration) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		// Its error is that we left.
		_, _ = p.client.Execute(ctx, holds)
	}()
	first := p.awaitHeld(t)

	sent := make(chan struct{})
	traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) },
	})
	answered := make(chan reply, 1)
	go func() {
		answer, err := p.client.Execute(traced, begins)
		answered <- reply{Answer: answer, err: err}
	}()
	<-sent

	leave()
	last := lastSeen(first)
	got := <-answered
	<-gone
	if got.err != nil {
		t.Fatalf("the next one: %v", got.err)
	}
	if got.Status != http.StatusOK {
		return got.Answer, 0
	}
	begun, err := strconv.ParseFloat(strings.TrimSpace(got.Stdout), 64)
	if err != nil {
		t.Fatal(err)
	}
	return got.Answer, last.Sub(time.UnixMicro(int64(begun * 1e6)))
}

// awaitHeld returns the process that has filled its memory.
func (p *pod) awaitHeld(t *testing.T) (found cell.Proc) {
	t.Helper()
	eventually(t, "a program that holds memory", func() bool {
		below, err := cell.Descendants(p.server.Proc.PID)
		if err != nil {
			return false
		}
		for _, proc := range below {
			if proc.RSS >= heldMiB<<20 && proc.State != 'Z' {
				found = proc
				return true
			}
		}
		return false
	})
	return found
}

// lastSeen watches a process until it is gone, or dead with its memory given
// back, and returns a time at which it was certainly still there: the clock is
// read before the look.
func lastSeen(p cell.Proc) (last time.Time) {
	for {
		now := time.Now()
		found, err := cell.Process(p.PID)
		if err != nil || found.Start != p.Start || found.State == 'Z' || found.State == 'X' {
			return last
		}
		last = now
	}
}
