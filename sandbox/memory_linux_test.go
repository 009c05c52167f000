package sandbox

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeCgroup makes a directory with the files of a memory cgroup.
func writeCgroup(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCgroupCharge(t *testing.T) {
	v1 := map[string]string{
		"memory.usage_in_bytes":          "700\n",
		"memory.kmem.tcp.usage_in_bytes": "50\n",
		"memory.stat":                    "cache 5\ninactive_file 1\ntotal_inactive_file 100\n",
	}
	v2 := map[string]string{
		"memory.current": "700\n",
		"memory.stat":    "anon 5\nactive_file 7\ninactive_file 100\nslab 3\n",
	}
	for _, tt := range []struct {
		name         string
		version      int
		files        map[string]string
		without      string
		line, charge int64
		read         string
	}{
		{"v2 below the line: memory.stat unread", 2, v2, "", 701, 700, "current - caches"},
		{"v2 at the line", 2, v2, "", 700, 600, "current - caches"},
		{"v1 below the line", 1, v1, "", 751, 750, "usage + kmem.tcp - caches"},
		{"v1 at the line: with descendants", 1, v1, "", 750, 650, "usage + kmem.tcp - caches"},
		{"v1 without TCP", 1, v1, "memory.kmem.tcp.usage_in_bytes", 700, 600, "usage - caches"},
		{
			"v2 with caches", 2,
			map[string]string{"memory.current": "900000000\n", "memory.stat": "anon 5\nfile_dirty 1000000\nfile_writeback 500000\ninactive_file 100\nactive_file 100000000\nslab_reclaimable 50000000\n"},
			"",
			1, 900000000 - 100 - (100000000 - keptActive - 1500000) - (50000000 - keptSlab), "current - caches",
		},
		{
			"v1 with caches", 1,
			map[string]string{"memory.usage_in_bytes": "900000000\n", "memory.kmem.tcp.usage_in_bytes": "0\n", "memory.stat": "cache 1\nactive_file 999999999\ntotal_inactive_file 100\ntotal_active_file 100000000\ntotal_dirty 1\n"},
			"",
			1, 900000000 - 100 - (100000000 - keptActive - 1), "usage + kmem.tcp - caches",
		},
		{
			"more inactive than charged", 2,
			map[string]string{"memory.current": "9\n", "memory.stat": "anon 0\ninactive_file 10\n"},
			"",
			1, 0, "current - caches",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeCgroup(t, tt.files)
			if tt.without != "" {
				os.Remove(filepath.Join(dir, tt.without))
			}
			src, err := openCgroupCharge(&memoryCgroup{tt.version, dir, 1000}, pinnedSlab(1, 0, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			if got, err := src.charge(tt.line); err != nil || got != tt.charge {
				t.Errorf("charge(%d) = %d, %v; want %d", tt.line, got, err, tt.charge)
			}
			if got, want := src.String(), fmt.Sprintf("cgroup v%d %s: %s", tt.version, dir, tt.read); got != want {
				t.Errorf("String() = %q; want %q", got, want)
			}
			// Each read begins anew.
			counter := "memory.current"
			if tt.version == 1 {
				counter = "memory.usage_in_bytes"
			}
			if err := os.WriteFile(filepath.Join(dir, counter), []byte("1000000000000\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := src.charge(1); err != nil || got < 999e9 {
				t.Errorf("after the counter has risen: %d, %v", got, err)
			}
		})
	}
}

func TestCgroupChargeRefuses(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing":             {},
		"no stat":             {"memory.current": "1\n"},
		"no inactive_file":    {"memory.current": "1\n", "memory.stat": "anon 1\n"},
		"no number":           {"memory.current": "max\n", "memory.stat": "anon 1\ninactive_file 1\n"},
		"no number in stat":   {"memory.current": "1\n", "memory.stat": "anon 1\ninactive_file x\n"},
		"out of range":        {"memory.current": "99999999999999999999\n", "memory.stat": "anon 1\ninactive_file 1\n"},
		"longer than we read": {"memory.current": "1\n", "memory.stat": "anon 1\ninactive_file 1\n" + strings.Repeat("x", textMax)},
	} {
		t.Run(name, func(t *testing.T) {
			if src, err := openCgroupCharge(&memoryCgroup{2, writeCgroup(t, files), 1000}, pinnedSlab(1, 0, nil)); err == nil {
				src.Close()
				t.Error("no error")
			}
		})
	}
}

// What is read depends on who says what the limit is.
func TestOpenMemoryWatch(t *testing.T) {
	dir := writeCgroup(t, map[string]string{"memory.current": "1\n", "memory.stat": "anon 1\ninactive_file 1\n"})
	cgroup := "cgroup v2 " + dir + ": current - caches"
	const limit = 704<<20 + 4096 // limits need not be whole MiB
	const procs = "RSS + page tables of server, zygotes and runs "
	for _, tt := range []struct {
		name  string
		found containerMemory
		limit MiB
		want  string
		lines []int64
	}{
		{"the cgroup's limit", containerMemory{limit, &memoryCgroup{2, dir, limit}}, 704, cgroup, []int64{limit - 64<<20}},
		{
			"a lower one",
			containerMemory{limit, &memoryCgroup{2, dir, limit}},
			600,
			cgroup + "; " + procs + "(the limit is not the cgroup's)",
			[]int64{limit - 64<<20, 536 << 20},
		},
		{"RAM", containerMemory{limit, nil}, 704, procs + "(no cgroup limits us)", []int64{640 << 20}},
		{
			"a charge that is not there",
			containerMemory{limit, &memoryCgroup{2, "/nowhere", limit}},
			704,
			procs + "(open /nowhere/memory.current: no such file or directory)",
			[]int64{640 << 20},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := openMemoryWatch(tt.found, tt.limit, memoryMargin(1, 1), pinnedSlab(1, 0, nil), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if got := w.String(); got != tt.want {
				t.Errorf("reads %q\nwant  %q", got, tt.want)
			}
			for i, l := range w.lines {
				if len(tt.lines) != len(w.lines) || l.at != tt.lines[i] {
					t.Errorf("line %d at %d; want %d", i, l.at, tt.lines)
				}
			}
			remove, err := w.addZygote(os.Getpid(), 0)
			if err != nil {
				t.Fatal(err)
			}
			remove()
		})
	}
}

// ownMemoryCgroup returns the memory cgroup of this process, limited or not.
func ownMemoryCgroup(tb testing.TB) *memoryCgroup {
	tb.Helper()
	root := os.DirFS("/")
	paths, err := cgroupPaths(root)
	if err != nil {
		tb.Fatal(err)
	}
	mounts, err := cgroupMounts(root)
	if err != nil {
		tb.Fatal(err)
	}
	for _, m := range mounts {
		for _, dir := range m.lineage(paths[m.version]) {
			c := &memoryCgroup{m.version, dir, noLimit}
			if src, err := openCgroupCharge(c, pinnedSlab(1, 0, nil)); err == nil {
				src.Close()
				return c
			}
		}
	}
	tb.Skipf("have: no memory cgroup whose charge can be read, in %+v; want: one", mounts)
	return nil
}

// When memory is short is no time to ask for more.
func TestLookDoesNotAllocate(t *testing.T) {
	src, err := openCgroupCharge(ownMemoryCgroup(t), pinnedSlab(1, 0, nil))
	if err != nil {
		t.Fatal(err)
	}
	procs := &processSum{}
	if _, err := procs.addProcess(os.Getpid(), 0); err != nil {
		t.Fatal(err)
	}
	// At a line of 1, memory.stat is read too.
	w := &memoryWatch{
		lines: []memoryLine{{source: src, at: 1, margin: 2}, {source: procs, at: noLimit, margin: 2}},
		procs: procs,
		log:   slog.New(slog.DiscardHandler),
		wake:  make(chan struct{}, 1),
	}
	defer w.add(&fakeRun{name: "a", log: new(killLog)})()
	w.look() // kills a, once
	// Allocations are counted for the whole process, in which sandboxes of other
	// tests live: they can only add.
	least := testing.AllocsPerRun(100, func() { w.look() })
	for range 20 {
		least = min(least, testing.AllocsPerRun(100, func() { w.look() }))
	}
	if least != 0 {
		t.Errorf("%v allocations for one look", least)
	}
	src.Close()
	procs.Close()
}

func BenchmarkCharge(b *testing.B) {
	src, err := openCgroupCharge(ownMemoryCgroup(b), pinnedSlab(1, 0, nil))
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	procs := &processSum{}
	defer procs.Close()
	if _, err := procs.addProcess(os.Getpid(), 0); err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name   string
		source chargeSource
		line   int64
	}{
		{"cgroup below the line", src, noLimit},
		{"cgroup at the line", src, 0},
		{"one process", procs, noLimit},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bb.source.charge(bb.line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
