//go:build linux

package pod

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// One runs, ten wait in queue-proxy, the twelfth is refused there at once. None
// of them has a 429 of ours: the platform does the waiting.
func TestTwelfthIsRefused(t *testing.T) {
	p := startPod(t)
	const (
		running = 3 // seconds, at the end of which it is killed: long enough to send all the others
		holds   = 10
		more    = 5
	)
	first := p.send(t, cell.Request{Code: "while True: pass", Timeout: running})
	p.awaitRun(t)
	var others []<-chan reply
	for i := range holds + more {
		others = append(others, p.send(t, cell.Request{Code: fmt.Sprintf("print(%d)", i)}))
	}
	var served, refused []time.Duration
	for i, other := range others {
		got := <-other
		switch {
		case got.err != nil:
			t.Errorf("request %d: %v", i, got.err)
		case got.OK(fmt.Sprintf("%d\n", i)):
			served = append(served, got.took)
		case got.Status == http.StatusServiceUnavailable && strings.TrimSpace(string(got.Body)) == "pending request queue full":
			refused = append(refused, got.took)
		default:
			t.Errorf("request %d: %v", i, got.Answer)
		}
	}
	one := <-first
	if one.err != nil || one.Outcome != "timeout" {
		t.Errorf("the first: %v, %v", one.Answer, one.err)
	}
	if len(served) != holds || len(refused) != more {
		t.Fatalf("%d served, %d refused, want %d and %d", len(served), len(refused), holds, more)
	}
	if slowest := cell.Quantile(refused, 1); slowest >= one.took {
		t.Errorf("the slowest refusal took %v, longer than the first program: it was not at once", slowest)
	}
	table := cell.NewTable("of 16 requests at once", "number", "answer", "fastest", "slowest")
	table.Row("run", 1, "200 timeout", one.took.Round(time.Millisecond), one.took.Round(time.Millisecond))
	for _, row := range []struct {
		what, answer string
		took         []time.Duration
	}{
		{"wait in queue-proxy, then run", "200 ok", served},
		{"refused by queue-proxy", "503 pending request queue full", refused},
	} {
		table.Row(row.what, len(row.took), row.answer, cell.Quantile(row.took, 0.01).Round(time.Millisecond), cell.Quantile(row.took, 1).Round(time.Millisecond))
	}
	table.Print(t.Output())
}
