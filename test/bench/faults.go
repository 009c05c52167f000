//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"codecell/test/e2e/cell"
)

// faults are minor page faults for each run of print(42): pages that it was the
// first to touch, or that it had to copy. They are counted from the fork on, by the kernel.
type faults struct {
	Run    float64 `json:"run"`    // of the child
	Zygote float64 `json:"zygote"` // of its parent, which copies what it writes after the fork

	BareRun    float64 `json:"bare_run"`
	BareParent float64 `json:"bare_parent"`
}

// measureFaults lets server and bare fork do so many runs each. All have to be one
// zygote's, whose life is a thousand.
func measureFaults(f *faults, runs int, s *cell.Server, bare *bareFork) error {
	client := newRawClient(address(s), post(print42.body()))
	defer client.close()
	zygotes, err := s.Zygotes()
	if err != nil {
		return err
	}
	if len(zygotes) != 1 {
		return fmt.Errorf("want one zygote, have %v", zygotes)
	}
	f.Run, f.Zygote, err = faultsPerRun(zygotes[0].PID, runs, func(n int) error {
		_, err := client.measure(n, print42.status, print42.want)
		return err
	})
	if err != nil {
		return fmt.Errorf("page faults of a run: %w", err)
	}
	f.BareRun, f.BareParent, err = faultsPerRun(bare.cmd.Process.Pid, runs, func(n int) error {
		_, err := bare.measure(print42, n)
		return err
	})
	return err
}

// faultsPerRun counts those of a process and of its children, which count when they
// are reaped. The first runs are left out: the parent still grows then.
func faultsPerRun(parent, runs int, run func(n int) error) (child, own float64, err error) {
	if err := run(runs / 4); err != nil {
		return 0, 0, err
	}
	ownBefore, childBefore, err := minorFaults(parent)
	if err != nil {
		return 0, 0, err
	}
	if err := run(runs); err != nil {
		return 0, 0, err
	}
	ownAfter, childAfter, err := minorFaults(parent)
	return float64(childAfter-childBefore) / float64(runs), float64(ownAfter-ownBefore) / float64(runs), err
}

// minorFaults reads a process's own, and those of its children that were reaped.
func minorFaults(pid int) (own, children int64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	return parseFaults(string(stat))
}

// parseFaults finds fields 10 and 11 of proc_pid_stat(5), minflt and cminflt. The
// name before them, in parentheses, may hold anything.
func parseFaults(stat string) (own, children int64, err error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // fields[0] is field 3 of the manual
	if len(fields) < 9 {
		return 0, 0, fmt.Errorf("too few fields in %q", stat)
	}
	if own, err = strconv.ParseInt(fields[10-3], 10, 64); err != nil {
		return 0, 0, err
	}
	children, err = strconv.ParseInt(fields[11-3], 10, 64)
	return own, children, err
}
