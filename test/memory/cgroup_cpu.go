//go:build linux

package memory

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// throttled is how long the kernel has kept the container of a process from the
// CPU because it had used up its share (cpu.stat). It explains slow answers.
// It is 0 where no CPU cgroup is seen.
func throttled(pid int) (time.Duration, error) {
	own, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return 0, err
	}
	return throttledIn("/sys/fs/cgroup", string(own))
}

// throttledIn is throttled for a process whose /proc/PID/cgroup is own, where the
// hierarchies are mounted below root.
func throttledIn(root, own string) (time.Duration, error) {
	for _, try := range []struct {
		dir, controller, key string
		unit                 time.Duration
	}{
		{"cpu", "cpu", "throttled_time", time.Nanosecond},
		{"", "", "throttled_usec", time.Microsecond},
	} {
		file := filepath.Join(root, try.dir, pathOf(own, try.controller), "cpu.stat")
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if try.controller == "" && !bytes.Contains(text, []byte(try.key)) {
			return 0, nil // v2 has the file always, the line with the controller
		}
		n, err := fieldOf(text, file, try.key)
		return time.Duration(n) * try.unit, err
	}
	return 0, nil
}

// pathOf returns the path in the hierarchy of a v1 controller, or in v2's for
// "", of what /proc/PID/cgroup says (cgroups(7)).
func pathOf(own, controller string) string {
	for line := range strings.Lines(own) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for name := range strings.SplitSeq(fields[1], ",") {
			if name == controller {
				return fields[2]
			}
		}
	}
	return "/"
}
