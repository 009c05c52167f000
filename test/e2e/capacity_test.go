//go:build e2e && linux

package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"codecell/test/e2e/cell"
)

const (
	containerMiB = 704
	hogMiB       = 440
)

// hog takes its memory page by page, holds it for half a second and says so.
var hog = cell.Request{Timeout: 20, Code: fmt.Sprintf(`
from datetime import datetime, timedelta

block = bytearray(%d << 20)
for page in range(0, len(block), 4096):
    block[page] = 1
end = datetime.now() + timedelta(seconds=0.5)
while datetime.now() < end:
    pass
print("held", len(block) >> 20, "MiB")
`, hogMiB)}

var hogSays = fmt.Sprintf("held %d MiB\n", hogMiB)

// hogs posts the program from so many clients at once and returns what each got.
func hogs(t *testing.T, c *cell.Client, clients int) []result {
	t.Helper()
	results := make([]result, clients)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			<-begin
			results[i].Answer, results[i].err = c.Execute(t.Context(), hog)
		})
	}
	close(begin)
	wg.Wait()
	return results
}

// TestCapacity: in a container of 704 MiB one of many programs of 440 MiB runs at
// a time, everybody else is refused, and the kernel kills nothing.
func TestCapacity(t *testing.T) {
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	table := cell.NewTable("clients", "rounds", "200 with output", "429 at-capacity", "peak MiB", "OOM kills")
	for _, clients := range []int{1, 2, 4, 16} {
		t.Run(fmt.Sprintf("clients=%d", clients), func(t *testing.T) {
			group := newCgroup(t, containerMiB<<20)
			s := start(t, cell.Options{Wrap: group.Enter()})
			c := client(t, s)
			served, refused := 0, 0
			for range rounds {
				ran := 0
				for _, r := range hogs(t, c, clients) {
					switch {
					case r.err != nil:
						t.Errorf("no answer: %v", r.err)
					case r.Status == http.StatusOK:
						if !r.OK(hogSays) {
							t.Errorf("want %q, got %s", hogSays, r.Answer)
						}
						ran++
					default:
						if err := checkRefusal(r.Answer, http.StatusTooManyRequests, "at-capacity"); err != nil {
							t.Error(err)
						}
						refused++
					}
				}
				if ran != 1 {
					t.Errorf("%d of %d programs ran, want 1", ran, clients)
				}
				served += ran
			}
			if !s.Proc.Exists() {
				t.Error("the server is another process than before")
			}
			kills := group.oomKills(t)
			if kills != 0 {
				t.Errorf("the kernel killed %d processes", kills)
			}
			table.Row(clients, rounds, served, refused, group.peak(t)>>20, kills)
		})
	}
	table.Print(t.Output())
}

// TestCapacityCanFail is the same with the gate switched off: a server that
// starts in a container of 16 GiB, with room for four, which then shrinks behind
// its back. If the kernel killed nothing here, TestCapacity would prove nothing.
func TestCapacityCanFail(t *testing.T) {
	group := newCgroup(t, 16<<30)
	s, err := cell.Start(t.Context(), cell.Options{
		Binary: codecell,
		Wrap:   group.Enter(),
		Env:    []string{"SANDBOX_MAX_CONCURRENCY=4"},
	})
	if err != nil {
		t.Fatal(err)
	}
	group.limit(t, containerMiB<<20)
	t.Cleanup(func() { // the kernel may have killed it, so nothing is said of how it ends
		s.Kill()
		orphans, err := cell.Orphans()
		if err != nil {
			t.Error(err)
		}
		cell.EndOrphans(orphans)
	})
	results := hogs(t, client(t, s), 4)
	ran := 0
	for _, r := range results {
		if r.err == nil && r.OK(hogSays) {
			ran++
		}
	}
	kills := group.oomKills(t)
	table := cell.NewTable("clients", "200 with output", "peak MiB", "OOM kills", "server killed")
	table.Row(4, ran, group.peak(t)>>20, kills, !s.Proc.Exists())
	table.Print(t.Output())
	if kills == 0 {
		for _, r := range results {
			t.Logf("%v %s", r.err, r.Answer)
		}
		t.Errorf("no OOM kill with the gate switched off; log of the server:\n%s", s.Log())
	}
}
