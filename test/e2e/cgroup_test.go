//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cgroup is a memory cgroup of the test's own.
type cgroup struct {
	dir string
	v1  bool
}

// newCgroup makes a memory cgroup with this limit in bytes, below or beside the
// one this process is in. It is removed when the test ends.
func newCgroup(t *testing.T, limit int64) *cgroup {
	t.Helper()
	requireRoot(t)
	c, err := createCgroup(fmt.Sprintf("codecell-e2e-%d", os.Getpid()))
	require(t, "cgroup", "a memory cgroup (v1, or v2 with the memory controller) in which a child may be made", err)
	t.Cleanup(func() { c.remove(t) })
	c.limit(t, limit)
	return c
}

// limit sets the limit, or lowers it. Swap, which would hide what it is to show,
// is taken away where the kernel counts it.
func (c *cgroup) limit(t *testing.T, bytes int64) {
	t.Helper()
	set := map[string]int64{"memory.max": bytes}
	swap, swapLimit := "memory.swap.max", int64(0)
	if c.v1 {
		// v1 counts TCP buffers only once they have a limit of their own. Its
		// limit of memory with swap must not be below that of memory: it comes last.
		set = map[string]int64{"memory.limit_in_bytes": bytes, "memory.kmem.tcp.limit_in_bytes": bytes}
		swap, swapLimit = "memory.memsw.limit_in_bytes", bytes
	}
	for file, value := range set {
		if err := c.write(file, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.write(swap, swapLimit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// createCgroup finds the hierarchy that has the memory controller.
func createCgroup(name string) (*cgroup, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(mounts)) {
		// ... root mountpoint options ... - type source superoptions
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 {
			continue
		}
		root, mountpoint := left[3], left[4]
		switch {
		case right[0] == "cgroup" && slices.Contains(strings.Split(right[2], ","), "memory"):
			dir := filepath.Join(below(mountpoint, root, ownPath(own, "memory")), name)
			return &cgroup{dir, true}, os.Mkdir(dir, 0o755)
		case right[0] == "cgroup2":
			if dir := delegated(mountpoint, below(mountpoint, root, ownPath(own, ""))); dir != "" {
				dir = filepath.Join(dir, name)
				return &cgroup{dir, false}, os.Mkdir(dir, 0o755)
			}
		}
	}
	return nil, errors.New("no cgroup hierarchy is mounted that gives the memory controller to a child")
}

// ownPath returns this process's path in the hierarchy of a v1 controller, or
// in v2's for "" (cgroups(7), /proc/PID/cgroup).
func ownPath(own []byte, controller string) string {
	for line := range strings.Lines(string(own)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && slices.Contains(strings.Split(fields[1], ","), controller) {
			return fields[2]
		}
	}
	return "/"
}

// below returns where a path of the hierarchy is, of which only what is below
// root is mounted. A path outside of it (seen from a cgroup namespace) means
// the mountpoint itself.
func below(mountpoint, root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return mountpoint
	}
	return filepath.Join(mountpoint, rel)
}

// delegated returns the nearest v2 cgroup, from dir up to the mountpoint, that
// gives memory to its children, or "". It can't be one that holds processes
// (cgroups(7), "no internal processes"), so it is seldom dir itself.
func delegated(mountpoint, dir string) string {
	for ; strings.HasPrefix(dir, mountpoint); dir = filepath.Dir(dir) {
		given, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		if err == nil && slices.Contains(strings.Fields(string(given)), "memory") {
			return dir
		}
	}
	return ""
}

// enter returns the start of a command line: what follows it runs inside.
func (c *cgroup) enter() []string {
	return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(c.dir, "cgroup.procs")}
}

func (c *cgroup) write(file string, value int64) error {
	return os.WriteFile(filepath.Join(c.dir, file), strconv.AppendInt(nil, value, 10), 0)
}

// peak returns the most that was ever charged, in bytes.
func (c *cgroup) peak(t *testing.T) int64 {
	t.Helper()
	file := "memory.peak"
	if c.v1 {
		file = "memory.max_usage_in_bytes"
	}
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return -1 // v2 before Linux 5.19
	}
	if err != nil {
		t.Fatal(err)
	}
	peak, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// oomKills returns how many processes the kernel has killed for want of memory.
func (c *cgroup) oomKills(t *testing.T) int {
	t.Helper()
	file := "memory.events"
	if c.v1 {
		file = "memory.oom_control"
	}
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if count, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
			kills, err := strconv.Atoi(count)
			if err != nil {
				t.Fatal(err)
			}
			return kills
		}
	}
	t.Fatalf("%s has no oom_kill:\n%s", file, text)
	return 0
}

// remove kills what is left inside and removes the cgroup.
func (c *cgroup) remove(t *testing.T) {
	t.Helper()
	eventually(t, 10*time.Second, func() error {
		err := syscall.Rmdir(c.dir)
		if errors.Is(err, syscall.EBUSY) {
			procs, err := os.ReadFile(filepath.Join(c.dir, "cgroup.procs"))
			if err != nil {
				return err
			}
			for field := range strings.FieldsSeq(string(procs)) {
				if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
					_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended since
				}
			}
			return fmt.Errorf("still in %s: %q", c.dir, strings.Fields(string(procs)))
		}
		return err
	})
}
