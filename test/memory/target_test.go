//go:build linux

package memory

import (
	"net/http"
	"testing"

	"codecell/test/e2e/cell"
)

func TestTargetCounts(t *testing.T) {
	t.Parallel()
	var target Target
	problem := http.Header{"Content-Type": {"application/problem+json"}}
	target.SawAnswer(cell.Answer{Status: 200, Outcome: "ok"})
	target.SawAnswer(cell.Answer{Status: 200, Outcome: "memory_limit", ExitCode: 1})
	target.SawAnswer(cell.Answer{Status: 200, Outcome: "memory_limit", ExitCode: -9})
	target.SawAnswer(cell.Answer{Status: 429, Type: "urn:codecell:problem:at-capacity", Header: problem})
	target.SawAnswer(cell.Answer{Status: 429}) // the platform's
	target.SawStatus(429, []byte(`{"type":"urn:codecell:problem:at-capacity","title":"At capacity"}`))
	target.SawStatus(431, []byte("431 Request Header Fields Too Large"))
	target.Saw(Closed)

	seen, runs := target.counts()
	for want, n := range map[Seen]int{Served: 3, Full: 2, "429": 1, "431": 1, Closed: 1} {
		if seen[want] != n {
			t.Errorf("%q: %d, want %d", want, seen[want], n)
		}
	}
	for want, n := range map[End]int{OK: 1, MemoryError: 1, MemoryLimit: 1} {
		if runs[want] != n {
			t.Errorf("%q: %d, want %d", want, runs[want], n)
		}
	}
	if len(seen) != 5 || len(runs) != 3 {
		t.Errorf("%v, %v", seen, runs)
	}
}
