//go:build linux

package memory

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// fake writes a cgroup's files into a folder.
func fake(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCgroupCounters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v1    bool
		files map[string]string
	}{
		"v1": {true, map[string]string{
			"memory.limit_in_bytes": "704\n", "memory.failcnt": "2\n", "memory.memsw.failcnt": "3\n",
			"memory.usage_in_bytes": "100\n", "memory.kmem.tcp.usage_in_bytes": "7\n",
			"memory.max_usage_in_bytes": "200\n", "memory.kmem.tcp.max_usage_in_bytes": "11\n",
			"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
		}},
		"v1 without swap": {true, map[string]string{
			"memory.limit_in_bytes": "704\n", "memory.failcnt": "5\n",
			"memory.usage_in_bytes": "100\n", "memory.kmem.tcp.usage_in_bytes": "7\n",
			"memory.max_usage_in_bytes": "200\n", "memory.kmem.tcp.max_usage_in_bytes": "11\n",
			"memory.oom_control": "oom_kill 3\n",
		}},
		"v2": {false, map[string]string{
			"memory.max": "704\n", "memory.current": "107\n", "memory.peak": "211\n",
			"memory.stat": "anon 90\nsock 7\n", "memory.events": "low 0\nmax 5\noom 4\noom_kill 3\noom_group_kill 1\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			group, err := newCgroup(fake(t, c.files), c.v1)
			if err != nil {
				t.Fatal(err)
			}
			defer group.close()
			all, tcp, err := group.charge()
			if err != nil || all != 107 || tcp != 7 {
				t.Errorf("charge: %d %d %v", all, tcp, err)
			}
			for what, read := range map[string]struct {
				from func() (int64, error)
				want int64
			}{
				"limit": {group.limit, 704}, "peak": {group.peakCharge, 211},
				"kills": {group.oomKills, 3}, "limit hits": {group.limitHits, 5},
				"kills of all": {group.groupKills, map[bool]int64{true: 0, false: 1}[c.v1]},
			} {
				if n, err := read.from(); err != nil || n != read.want {
					t.Errorf("%s: %d %v, want %d", what, n, err, read.want)
				}
			}
			if err := os.Remove(filepath.Join(group.dir, map[bool]string{true: "memory.oom_control", false: "memory.events"}[c.v1])); err != nil {
				t.Fatal(err)
			}
			if n, err := group.oomKills(); err == nil {
				t.Errorf("kills without a counter: %d", n)
			}
		})
	}
}

// A server that was killed has no resident memory, but its cgroup tells by what.
func TestCountOfTheDead(t *testing.T) {
	t.Parallel()
	group, err := newCgroup(fake(t, map[string]string{
		"memory.max": "704\n", "memory.current": "1\n", "memory.peak": "700\n",
		"memory.stat": "sock 0\n", "memory.events": "max 5\noom_kill 3\noom_group_kill 1\n",
	}), false)
	if err != nil {
		t.Fatal(err)
	}
	defer group.close()
	const nobody = 1 << 30 // more than any process's number
	c := &Container{group: group, Server: cell.Proc{PID: nobody}}
	n := counters{peak: 300, server: 20, throttled: time.Second}
	if err := c.count(&n); err == nil {
		t.Error("no error although the server is gone")
	}
	n.machineKills = 0 // this machine's own
	if want := (counters{kills: 3, groupKills: 1, limitHits: 5, peak: 700, server: 20, throttled: time.Second}); n != want {
		t.Errorf("have %+v, want %+v", n, want)
	}
}

func TestThrottled(t *testing.T) {
	t.Parallel()
	const own = "4:cpu,cpuacct:/one\n0::/two\n"
	for name, c := range map[string]struct {
		file, text string
		want       time.Duration
		bad        bool
	}{
		"v1":                        {"cpu/one", "nr_throttled 1\nthrottled_time 7000\n", 7 * time.Microsecond, false},
		"v2":                        {"two", "usage_usec 9\nthrottled_usec 7\n", 7 * time.Microsecond, false},
		"v2 without the controller": {"two", "usage_usec 9\n", 0, false},
		"v1 without the line":       {"cpu/one", "nr_throttled 1\n", 0, true},
		"not a number":              {"two", "throttled_usec x\n", 0, true},
		"none":                      {"three", "throttled_usec 7\n", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			dir := filepath.Join(root, c.file)
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "cpu.stat"), []byte(c.text), 0o600)); err != nil {
				t.Fatal(err)
			}
			if d, err := throttledIn(root, own); d != c.want || (err != nil) != c.bad {
				t.Errorf("%v %v, want %v", d, err, c.want)
			}
		})
	}
}

func TestCgroupOf(t *testing.T) {
	t.Parallel()
	group, err := cgroupOf(os.Getpid())
	if err != nil {
		t.Skipf("want a memory cgroup that is mounted here: %v", err)
	}
	defer group.close()
	if all, _, err := group.charge(); err != nil || all <= 0 {
		t.Errorf("%s: %d %v", group.dir, all, err)
	}
}

func TestFieldOf(t *testing.T) {
	t.Parallel()
	const text = "oom 9\noom_kill 3\nVmHWM:\t   1234 kB\nbad x\n"
	for key, want := range map[string]int64{"oom": 9, "oom_kill": 3, "VmHWM:": 1234} {
		if n, err := fieldOf([]byte(text), "file", key); err != nil || n != want {
			t.Errorf("%s: %d %v", key, n, err)
		}
	}
	for _, key := range []string{"oom_", "kB", "bad", ""} {
		if n, err := fieldOf([]byte(text), "file", key); err == nil {
			t.Errorf("%q: %d", key, n)
		}
	}
}

func TestPathOf(t *testing.T) {
	t.Parallel()
	const own = "9:name=systemd:/s\n5:cpu,cpuacct:/c:with colon\n4:memory:/m\n0::/two\n"
	for controller, want := range map[string]string{"memory": "/m", "cpu": "/c:with colon", "cpuacct": "/c:with colon", "": "/two", "pids": "/"} {
		if got := pathOf(own, controller); got != want {
			t.Errorf("%q: %q", controller, got)
		}
	}
}
