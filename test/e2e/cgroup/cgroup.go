//go:build linux

// Package cgroup makes memory cgroups, in which a test can hold a server to a
// limit as a container would be, and asks the kernel what it has counted there.
package cgroup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// removeTime bounds the wait for killed processes to leave the cgroup.
const removeTime = 10 * time.Second

// Cgroup is a memory cgroup of the test's own.
type Cgroup struct {
	dir string
	v1  bool
}

// Limit sets the limit in bytes, or lowers it. Swap, which would hide what it is
// to show, is taken away where the kernel counts it.
func (c *Cgroup) Limit(bytes int64) error {
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
			return err
		}
	}
	if err := c.write(swap, swapLimit); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (c *Cgroup) write(file string, value int64) error {
	return os.WriteFile(filepath.Join(c.dir, file), strconv.AppendInt(nil, value, 10), 0)
}

// Enter returns the start of a command line: what follows it runs inside.
func (c *Cgroup) Enter() []string {
	return []string{"sh", "-c", `echo $$ >"$0" && exec "$@"`, filepath.Join(c.dir, "cgroup.procs")}
}

// Peak returns the most that was ever charged, in bytes; -1 where the kernel does
// not keep it.
func (c *Cgroup) Peak() (int64, error) {
	file := "memory.peak"
	if c.v1 {
		file = "memory.max_usage_in_bytes"
	}
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil // v2 before Linux 5.19
	}
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
}

// OOMKills returns how many processes the kernel has killed for want of memory.
func (c *Cgroup) OOMKills() (int, error) {
	file := "memory.events"
	if c.v1 {
		file = "memory.oom_control"
	}
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if count, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
			return strconv.Atoi(count)
		}
	}
	return 0, fmt.Errorf("%s has no oom_kill:\n%s", file, text)
}

// Remove kills what is left inside and removes the cgroup.
func (c *Cgroup) Remove() error {
	for end := time.Now().Add(removeTime); ; {
		err := syscall.Rmdir(c.dir)
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		procs, err := os.ReadFile(filepath.Join(c.dir, "cgroup.procs"))
		if err != nil {
			return err
		}
		for field := range strings.FieldsSeq(string(procs)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended since
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("still in %s after %v: %q", c.dir, removeTime, strings.Fields(string(procs)))
		}
		time.Sleep(5 * time.Millisecond) // between two looks at other processes
	}
}
