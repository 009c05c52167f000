package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFindMemory(t *testing.T) {
	const pod = "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1bf924dd_3f6f_11ea_983d_0abc95f90166.slice"
	for _, tt := range []struct {
		tree, source string
		limit        int64
	}{
		{"docker-v1", "cgroup v1 /sys/fs/cgroup/memory", 704 << 20},
		{"docker-v1-parent-out-of-sight", "cgroup v1 /sys/fs/cgroup/memory", 1 << 30},
		{"docker-v2-private", "cgroup v2 /sys/fs/cgroup", 704 << 20},
		{"docker-v2-no-limit", "RAM", 2033416 << 10},
		{"docker-v2-host-namespace", "cgroup v2 /sys/fs/cgroup", 704 << 20},
		{"knative-v2-nested", "cgroup v2 " + pod, 832 << 20},
		{"kubernetes-v2-equal-limits", "cgroup v2 " + pod, 704 << 20},
		{"v2-mount-above-namespace", "cgroup v2 /sys/fs/cgroup", 2 << 30},
		{"v2-foreign-mount", "RAM", 16316432 << 10},
		{"hybrid-no-limit", "RAM", 24684096 << 10},
		{"hybrid-v1-nested", "cgroup v1 /sys/fs/cgroup/memory/builder", 704 << 20},
		{"gvisor-minimal", "RAM", 1 << 30},
		{"gvisor-cgroupfs", "cgroup v1 /sys/fs/cgroup/memory", 704 << 20},
		{"systemd-laptop", "RAM", 32609636 << 10},
		{"escaped-mount-point", "cgroup v2 /mnt/my cgroup", 704 << 20},
	} {
		t.Run(tt.tree, func(t *testing.T) {
			got, err := findMemory(os.DirFS(filepath.Join("testdata", "cgroup", tt.tree)))
			if err != nil {
				t.Fatal(err)
			}
			if got.limit != tt.limit || got.String() != tt.source {
				t.Errorf("found %d bytes, %v; want %d, %s", got.limit, got, tt.limit, tt.source)
			}
			if got.cgroup != nil && got.cgroup.limit != got.limit {
				t.Errorf("the cgroup's limit is %d, the container's %d", got.cgroup.limit, got.limit)
			}
		})
	}
}

// To take "can't tell" for "no limit" would be to promise the host's memory.
func TestFindMemoryRefusesToGuess(t *testing.T) {
	_, err := findMemory(os.DirFS("testdata/cgroup/unreadable-limit"))
	if err == nil || !strings.Contains(err.Error(), "/sys/fs/cgroup/memory.max") {
		t.Errorf("a limit of %q: error %v; want one that names the file", "lots", err)
	}
	for _, meminfo := range []string{"", "MemTotal: x kB\n", "MemTotal: 99999999999999999999 kB\n"} {
		_, err := findMemory(fstest.MapFS{"proc/meminfo": {Data: []byte(meminfo)}})
		if err == nil {
			t.Errorf("meminfo %q: no error", meminfo)
		}
	}
	if _, err := findMemory(fstest.MapFS{}); err == nil {
		t.Error("no /proc: no error")
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		root, where, below string
		ok                 bool
	}{
		{"/", "/", ".", true},
		{"/", "/a/b", "a/b", true},
		{"/a", "/a", ".", true},
		{"/a", "/a/b", "b", true},
		{"/a", "/ab", "", false},
		{"/a/b", "/a", "", false},
		{"/", "/../b", "", false},       // we are outside our own namespace
		{"/..", "/../b", "b", true},     // and so is the mount
		{"/../b", "/../b/c", "c", true}, //
		{"/..", "/", ".", true},         // the way down is hidden
		{"/..", "/a", ".", true},        //
		{"/../..", "/../a", ".", true},  //
		{"/..", "/../../a", "", false},  // above the mount
		{"/../b", "/", "", false},       // beside it
		{"/", "/..a", "..a", true},      // a name, not a way up
	} {
		if below, ok := within(tt.root, tt.where); below != tt.below || ok != tt.ok {
			t.Errorf("within(%q, %q) = %q, %v; want %q, %v", tt.root, tt.where, below, ok, tt.below, tt.ok)
		}
	}
}

// FuzzFindMemory feeds what a container runtime might write into /proc. The
// answer must be a limit of at most RAM, found in a directory below a mount.
func FuzzFindMemory(f *testing.F) {
	trees, err := filepath.Glob("testdata/cgroup/*/proc")
	if err != nil || len(trees) == 0 {
		f.Fatal("no trees", err)
	}
	for _, proc := range trees {
		cgroup, _ := os.ReadFile(filepath.Join(proc, "self/cgroup")) // gVisor has none
		mountinfo, err := os.ReadFile(filepath.Join(proc, "self/mountinfo"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(cgroup), string(mountinfo), "738197504\n")
	}
	f.Fuzz(func(t *testing.T, cgroup, mountinfo, limit string) {
		got, err := findMemory(procFS{fstest.MapFS{
			"proc/meminfo":        {Data: []byte("MemTotal: 16316432 kB\n")},
			"proc/self/cgroup":    {Data: []byte(cgroup)},
			"proc/self/mountinfo": {Data: []byte(mountinfo)},
		}, limit})
		if err != nil {
			return
		}
		const ram = 16316432 << 10
		if got.limit < 0 || got.limit > ram || (got.cgroup == nil) != (got.limit == ram) {
			t.Errorf("found %d bytes in %v", got.limit, got)
		}
	})
}

// procFS has the same limit in every directory.
type procFS struct {
	fstest.MapFS
	limit string
}

func (p procFS) ReadFile(name string) ([]byte, error) {
	if filepath.Base(name) == "memory.max" {
		return []byte(p.limit), nil
	}
	return fs.ReadFile(p.MapFS, name)
}
