package sandbox

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// What runs have left behind in the kernel's memory is not the next run's, however much
// it is, unless that one holds as much itself.
func TestHeldWithoutWhatIsLeft(t *testing.T) {
	dir := writeCgroup(t, map[string]string{
		"memory.usage_in_bytes":          "104857600\n",
		"memory.kmem.tcp.usage_in_bytes": "0\n",
		"memory.kmem.usage_in_bytes":     "1048576\n",
		"memory.stat":                    "cache 5\ninactive_file 1\ntotal_inactive_file 0\n",
	})
	set := func(file string, mib int64) {
		if err := os.WriteFile(filepath.Join(dir, file), strconv.AppendInt(nil, mib<<20, 10), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, err := openCgroupCharge(&memoryCgroup{1, dir, 704 << 20}, pinnedSlab(1, 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	killed := new(killLog)
	w := &memoryWatch{
		lines: []memoryLine{{source: src, at: testLine, margin: testMargin}},
		procs: new(processSum),
		log:   slog.New(slog.DiscardHandler),
		wake:  make(chan struct{}, 1),
	}

	flood := &fakeRun{name: "flood", log: killed}
	remove := w.add(flood)
	set("memory.usage_in_bytes", 650)
	set("memory.kmem.usage_in_bytes", 551)
	w.look() // while it is there, all counts
	killed.want(t, "flood")
	remove()

	next := &fakeRun{name: "next", log: killed}
	remove = w.add(next)
	set("memory.usage_in_bytes", 700)
	w.look()
	killed.want(t, "flood")
	next.grow(testLine - unseenKernel - 1)
	w.look()
	killed.want(t, "flood")
	next.grow(1)
	w.look()
	killed.want(t, "flood", "next")
	remove()

	// What the kernel has taken back is no longer left, and what comes then is the run's.
	small := &fakeRun{name: "small", log: killed}
	defer w.add(small)()
	w.look()
	killed.want(t, "flood", "next")
	set("memory.usage_in_bytes", 644)
	set("memory.kmem.usage_in_bytes", 5)
	w.look() // 4 MiB are left
	killed.want(t, "flood", "next", "small")
}

func TestNothingLeftAnyMore(t *testing.T) {
	t.Parallel()
	dir := writeCgroup(t, map[string]string{
		"memory.usage_in_bytes": "1\n", "memory.stat": "cache 5\ntotal_inactive_file 0\n", "memory.kmem.usage_in_bytes": "100\n",
	})
	src, err := openCgroupCharge(&memoryCgroup{1, dir, 1000}, pinnedSlab(1, 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, step := range []struct {
		now, left int64
		rest      bool
	}{
		{100, 0, true},
		{900, 0, false}, // a run's
		{900, 800, true},
		{950, 800, false},
		{300, 200, false},
		{900, 200, false}, // what fell does not rise again
		{50, 0, true},
	} {
		if err := os.WriteFile(filepath.Join(dir, "memory.kmem.usage_in_bytes"), strconv.AppendInt(nil, step.now, 10), 0o600); err != nil {
			t.Fatal(err)
		}
		if step.rest {
			src.rest()
		}
		if left := src.leftBehind(); left != step.left {
			t.Errorf("%+v: %d", step, left)
		}
	}
}

// A volume is asked how many files there are in it.
func TestPinnedSlab(t *testing.T) {
	t.Parallel()
	if got := pinnedSlab(1, 0, nil)(); got != keptSlab {
		t.Errorf("without files: %d", got)
	}
	each := int64(workspaceInodes(64))*pinnedName + (64<<20)/nodeShare
	if got := pinnedSlab(3, 64, nil)(); got != keptSlab+4*each {
		t.Errorf("with three runs' workspaces and a parked run's: %d, want %d", got, keptSlab+4*each)
	}
	folder, err := os.Open(requireVolume(t, "size=8m,mode=1777"))
	check(t, err)
	defer folder.Close()
	few := pinnedSlab(1, 64, folder)()
	for i := range 1000 {
		check(t, os.WriteFile(filepath.Join(folder.Name(), strconv.Itoa(i)), nil, 0o600))
	}
	if many := pinnedSlab(1, 64, folder)(); few < keptSlab || many < few+900*pinnedName || many > few+(1<<20) {
		t.Errorf("%d, and with a thousand files more %d", few, many)
	}
}
