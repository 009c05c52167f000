//go:build linux

package memory

import (
	"os"
	"path/filepath"
	"testing"
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
			"memory.stat": "anon 90\nsock 7\n", "memory.events": "low 0\nmax 5\noom 4\noom_kill 3\n",
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
