//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

const (
	warmUpRuns = 200 // until the server's heap and threads are what they will be
	rssSlack   = 4 << 20
	// threadSlack is for Go's runtime, which starts a thread when all others
	// happen to be in a system call, and keeps it.
	threadSlack = 3
)

// TestEndurance: after many runs the server has as many descriptors, threads,
// children and files as before, and no more memory.
func TestEndurance(t *testing.T) {
	runs := 20_000
	if testing.Short() {
		runs = 1_000
	}
	scratch := t.TempDir()
	shm := files(t, "/dev/shm")
	s := start(t, cell.Options{Env: []string{"TMPDIR=" + scratch}})
	c := client(t, s)

	run := func(i int) {
		a := execute(t, c, cell.Request{Code: fmt.Sprintf("print(%d)", i)})
		if want := fmt.Sprintln(i); !a.OK(want) {
			t.Fatalf("run %d: %s", i, a)
		}
	}
	for i := range warmUpRuns {
		run(-i)
	}
	before := snapshot(t, s)
	every := runs / 200
	var rss []int64
	began := time.Now()
	for i := range runs {
		run(i)
		if i%every == 0 {
			p, err := cell.Process(s.Proc.PID)
			if err != nil {
				t.Fatal(err)
			}
			rss = append(rss, p.RSS)
		}
		if (i+1)%(runs/5) == 0 {
			t.Logf("%d of %d runs, %.0f/s", i+1, runs, float64(i+1)/time.Since(began).Seconds())
		}
	}
	took := time.Since(began)
	zygote(t, s) // waits for the end of a replacement
	c.Close()

	// The last connection and the last run are cleaned up behind the answer.
	var after vitals
	eventually(t, 5*time.Second, func() error {
		after = snapshot(t, s)
		if after.fds > before.fds {
			return fmt.Errorf("%d descriptors, %d before", after.fds, before.fds)
		}
		if len(after.zombies) > 0 {
			return fmt.Errorf("zombies: %v", after.zombies)
		}
		return nil
	})
	first, last := cell.Quantile(rss[:len(rss)/10], 0.5), cell.Quantile(rss[len(rss)-len(rss)/10:], 0.5)
	table := cell.NewTable("", "before", "after")
	table.Row("runs", warmUpRuns, warmUpRuns+runs)
	table.Row("descriptors", before.fds, after.fds)
	table.Row("threads", before.threads, after.threads)
	table.Row("descendants", before.descendants, after.descendants)
	table.Row("server RSS KiB (medians of tenths)", first>>10, last>>10)
	table.Row("zygote RSS KiB", before.zygoteRSS>>10, after.zygoteRSS>>10)
	table.Row("rate", "", fmt.Sprintf("%.0f/s", float64(runs)/took.Seconds()))
	table.Print(t.Output())

	if after.threads > before.threads+threadSlack {
		t.Errorf("%d threads, %d before", after.threads, before.threads)
	}
	if after.descendants != before.descendants {
		t.Errorf("%d descendants, %d before", after.descendants, before.descendants)
	}
	if last > first+max(first/10, rssSlack) {
		t.Errorf("RSS grew from %d to %d KiB", first>>10, last>>10)
	}
	if left := files(t, scratch); len(left) > 0 {
		t.Errorf("left in TMPDIR: %q", left)
	}
	for _, name := range files(t, "/dev/shm") {
		if !slices.Contains(shm, name) {
			t.Errorf("new in /dev/shm: %q", name)
		}
	}
}

// vitals are what may not grow.
type vitals struct {
	fds         int // 0 when they may not be counted
	threads     int
	descendants int
	zombies     []cell.Proc
	zygoteRSS   int64
}

// snapshot takes the server's vitals while it has one zygote and is idle.
func snapshot(t *testing.T, s *cell.Server) vitals {
	t.Helper()
	v := vitals{zygoteRSS: zygote(t, s).RSS}
	p, err := cell.Process(s.Proc.PID)
	if err != nil {
		t.Fatal(err)
	}
	v.threads = p.Threads
	if os.Geteuid() == 0 {
		if v.fds, err = cell.FDs(s.Proc.PID); err != nil {
			t.Fatal(err)
		}
	}
	down, err := cell.Descendants(s.Proc.PID)
	if err != nil {
		t.Fatal(err)
	}
	v.descendants = len(down)
	for _, d := range down {
		if d.State == 'Z' {
			v.zombies = append(v.zombies, d)
		}
	}
	return v
}

// files lists a folder; one that does not exist is empty.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}
