//go:build linux

package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A cgroup is a memory cgroup, seen from outside and with root's eyes.
type cgroup struct {
	dir string
	v1  bool

	peak *os.File // v2: memory.peak, whose reset holds for the file it was written to
}

// cgroupOf finds the memory cgroup of a process. The caller closes it.
func cgroupOf(pid int) (*cgroup, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	own, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, err
	}
	// A host with both kinds counts memory in only one of them.
	for _, try := range []struct{ kind, controller, usage string }{
		{"cgroup", "memory", "memory.usage_in_bytes"},
		{"cgroup2", "", "memory.current"},
	} {
		for line := range strings.Lines(string(mounts)) {
			before, after, _ := strings.Cut(line, " - ")
			left, right := strings.Fields(before), strings.Fields(after)
			if len(left) < 5 || len(right) < 3 || right[0] != try.kind {
				continue
			}
			rel, err := filepath.Rel(left[3], pathOf(string(own), try.controller))
			if err != nil {
				continue
			}
			dir := filepath.Join(left[4], rel)
			if _, err := os.Stat(filepath.Join(dir, try.usage)); err == nil {
				return newCgroup(dir, try.kind == "cgroup")
			}
		}
	}
	return nil, fmt.Errorf("process %d: no memory cgroup is mounted that counts it", pid)
}

func newCgroup(dir string, v1 bool) (*cgroup, error) {
	c := &cgroup{dir: dir, v1: v1}
	if v1 {
		return c, nil
	}
	var err error
	// Before Linux 6.12 it can't be reset, before 5.19 it is not there.
	c.peak, err = os.OpenFile(filepath.Join(dir, "memory.peak"), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		c.peak, err = os.Open(filepath.Join(dir, "memory.peak"))
	}
	return c, err
}

func (c *cgroup) close() {
	if c.peak != nil {
		c.peak.Close()
	}
}

// version says which kind of cgroup it is, and what goes with it.
func (c *cgroup) version() string {
	if c.v1 {
		return "cgroup v1, with memory.kmem.tcp; one process is killed at a time"
	}
	if group, err := c.number("memory.oom.group"); err == nil && group == 1 {
		return "cgroup v2, memory.oom.group: one kill takes the container"
	}
	return "cgroup v2, one process is killed at a time"
}

// countTCP makes a v1 cgroup count the buffers of the sockets that its
// processes accept from now on: it does only when they have a limit of their own.
// v2 counts them always.
func (c *cgroup) countTCP(limit int64) error {
	if !c.v1 {
		return nil
	}
	return os.WriteFile(filepath.Join(c.dir, "memory.kmem.tcp.limit_in_bytes"), strconv.AppendInt(nil, limit, 10), 0)
}

// killTogether has one OOM kill take every process of the cgroup, as the kubelet
// sets it. v1 knows no such thing.
func (c *cgroup) killTogether() error {
	if c.v1 {
		return nil
	}
	return os.WriteFile(filepath.Join(c.dir, "memory.oom.group"), []byte("1"), 0)
}

// limit is what the kernel keeps the cgroup to, in bytes.
func (c *cgroup) limit() (int64, error) {
	if c.v1 {
		return c.number("memory.limit_in_bytes")
	}
	return c.number("memory.max")
}

// charge is what is charged now, in bytes, TCP buffers included and of them
// alone. It counts page cache.
func (c *cgroup) charge() (all, tcp int64, err error) {
	if !c.v1 {
		if tcp, err = c.field("memory.stat", "sock"); err != nil {
			return 0, 0, err
		}
		all, err = c.number("memory.current")
		return all, tcp, err
	}
	if tcp, err = c.number("memory.kmem.tcp.usage_in_bytes"); err != nil {
		return 0, 0, err
	}
	all, err = c.number("memory.usage_in_bytes")
	return all + tcp, tcp, err
}

// resetPeak lets peak begin at now.
func (c *cgroup) resetPeak() error {
	if !c.v1 {
		_, err := c.peak.WriteAt([]byte("0"), 0)
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EINVAL) {
			return nil // too old for it: the peak is that of the container's life
		}
		return err
	}
	for _, file := range []string{"memory.max_usage_in_bytes", "memory.kmem.tcp.max_usage_in_bytes"} {
		if err := os.WriteFile(filepath.Join(c.dir, file), []byte("0"), 0); err != nil {
			return err
		}
	}
	return nil
}

// peakCharge is the most that was charged since resetPeak, in bytes. v1 has two
// counters, whose peaks may have been at different times: their sum is no less
// than the peak of the sum.
func (c *cgroup) peakCharge() (int64, error) {
	if !c.v1 {
		buf := make([]byte, 32)
		n, err := c.peak.ReadAt(buf, 0)
		if n == 0 {
			return 0, err
		}
		return strconv.ParseInt(strings.TrimSpace(string(buf[:n])), 10, 64)
	}
	all, err := c.number("memory.max_usage_in_bytes")
	if err != nil {
		return 0, err
	}
	tcp, err := c.number("memory.kmem.tcp.max_usage_in_bytes")
	return all + tcp, err
}

// oomKills is how many processes the kernel has killed for want of memory here.
func (c *cgroup) oomKills() (int64, error) {
	if c.v1 {
		return c.field("memory.oom_control", "oom_kill")
	}
	return c.field("memory.events", "oom_kill")
}

// groupKills is how often the kernel has killed all processes of the cgroup at once.
// v1 knows no such thing.
func (c *cgroup) groupKills() (int64, error) {
	if c.v1 {
		return 0, nil
	}
	return c.field("memory.events", "oom_group_kill")
}

// limitHits is how often a charge met the limit, reclaimed or not.
func (c *cgroup) limitHits() (int64, error) {
	if c.v1 {
		// Without swap both limits are the same, and memory with swap is
		// charged first. A kernel may not count swap. Linux 6.18 counts nothing where
		// it does: there the peak says that the limit was met, see judge.
		swap, err := c.number("memory.memsw.failcnt")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		all, err := c.number("memory.failcnt")
		return all + swap, err
	}
	return c.field("memory.events", "max")
}

func (c *cgroup) number(file string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

func (c *cgroup) field(file, key string) (int64, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	return fieldOf(text, filepath.Join(c.dir, file), key)
}

// machineKills is the machine's own count, other containers' included.
func machineKills() (int64, error) {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0, err
	}
	return fieldOf(text, "/proc/vmstat", "oom_kill")
}

// fieldOf finds a line of key and number, and perhaps a unit.
func fieldOf(text []byte, file, key string) (int64, error) {
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == key {
			return strconv.ParseInt(words[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, key)
}
