//go:build e2e && linux

package e2e

import (
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// TestReplacement: a zygote is replaced behind the callers' backs. The same
// requests go in turn to a server that replaces its own every 150 runs and to
// one that keeps it: all are answered, and the slowest hundredth is at most
// twice as slow.
func TestReplacement(t *testing.T) {
	const (
		runs         = 1_000 // at least
		most         = 3_000 // by then five replacements must have been
		maxRuns      = 150
		block        = 25
		replacements = 5
	)
	type side struct {
		server    *cell.Server
		client    *cell.Client
		latencies []time.Duration
		zygotes   map[int]bool
	}
	with := func(maxRuns int) *side {
		s := start(t, cell.Options{Env: []string{"SANDBOX_PROFILE=" + profile(t, maxRuns, "zygote", "max_runs")}})
		return &side{server: s, client: client(t, s), zygotes: map[int]bool{}}
	}
	run := func(s *side) time.Duration {
		began := time.Now()
		a := execute(t, s.client, cell.Request{Code: "print(42)"})
		took := time.Since(began)
		if !a.OK("42\n") {
			t.Fatal(a)
		}
		return took
	}
	look := func(s *side) {
		zygotes, err := s.server.Zygotes()
		if err != nil {
			t.Fatal(err)
		}
		for _, z := range zygotes {
			s.zygotes[z.PID] = true
		}
	}

	often, never := with(maxRuns), with(100_000)
	sides := []*side{often, never}
	for _, s := range sides {
		look(s)
		for range block { // so that nobody's first run counts
			run(s)
		}
	}
	// The old zygote goes on until the new one is warm, so that how many runs lie
	// between two replacements depends on how long that takes.
	for n := 0; n < most && (n < runs || len(often.zygotes)-1 < replacements); n += block {
		for _, s := range sides {
			for range block {
				s.latencies = append(s.latencies, run(s))
			}
			look(s)
		}
	}

	table := cell.NewTable("max_runs", "200s", "replacements", "p50", "p95", "p99", "max")
	for i, s := range sides {
		table.Row([]int{maxRuns, 100_000}[i], len(s.latencies), len(s.zygotes)-1,
			cell.Quantile(s.latencies, 0.5), cell.Quantile(s.latencies, 0.95),
			cell.Quantile(s.latencies, 0.99), cell.Quantile(s.latencies, 1))
	}
	table.Print(t.Output())
	if n := len(often.zygotes) - 1; n < replacements {
		t.Errorf("%d replacements, want at least %d", n, replacements)
	}
	if n := len(never.zygotes) - 1; n != 0 {
		t.Errorf("%d replacements with max_runs 100,000", n)
	}
	if p, usual := cell.Quantile(often.latencies, 0.99), cell.Quantile(never.latencies, 0.99); p > 2*usual {
		t.Errorf("p99 %v across replacements, more than twice the usual %v", p, usual)
	}
}
