//go:build linux

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// New makes a memory cgroup of this name, below or beside the one this process is
// in. The error says why it can't; whoever has the cgroup removes it.
func New(name string) (*Cgroup, error) {
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
			return &Cgroup{dir, true}, os.Mkdir(dir, 0o755)
		case right[0] == "cgroup2":
			if dir := delegated(mountpoint, below(mountpoint, root, ownPath(own, ""))); dir != "" {
				dir = filepath.Join(dir, name)
				return &Cgroup{dir, false}, os.Mkdir(dir, 0o755)
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
