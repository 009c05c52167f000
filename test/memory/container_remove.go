//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RemoveParent removes the cgroups below which containers were, from every
// hierarchy. podman leaves them, and one for its monitor.
func RemoveParent(parent string) error {
	mounts, err := filepath.Glob("/sys/fs/cgroup/*" + parent)
	if err != nil {
		return err
	}
	mounts = append(mounts, "/sys/fs/cgroup"+parent)
	var errs []error
	for _, root := range mounts {
		var dirs []string
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		errs = append(errs, err)
		for _, dir := range slices.Backward(dirs) { // children first
			errs = append(errs, removeCgroup(dir))
		}
	}
	return errors.Join(errs...)
}

// removeCgroup waits for the last process to leave: podman's monitor outlives
// the container by a moment.
func removeCgroup(dir string) error {
	deadline := time.After(podmanTimeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) {
			return err
		}
		select {
		case <-deadline:
			return err
		case <-tick.C:
		}
	}
}

// RemoveContainers removes the containers whose names begin so, with force.
func RemoveContainers(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(ctx, podmanTimeout)
	defer cancel()
	out, err := podman(ctx, "ps", "--all", "--quiet", "--filter", "name=^"+prefix).Output()
	if err != nil {
		return fmt.Errorf("podman ps: %w", err)
	}
	for id := range strings.FieldsSeq(string(out)) {
		if out, err := podman(ctx, "rm", "--force", "--time=0", id).CombinedOutput(); err != nil {
			return fmt.Errorf("podman rm %s: %w: %s", id, err, out)
		}
	}
	return nil
}

// RemoveStale removes the parents that are called prefix and a process number,
// where there is no such process any more: it was killed and could not.
func RemoveStale(prefix string) error {
	var errs []error
	for _, pattern := range []string{"/sys/fs/cgroup/memory/" + prefix, "/sys/fs/cgroup/" + prefix} {
		dirs, err := filepath.Glob(pattern + "*")
		errs = append(errs, err)
		for _, dir := range dirs {
			owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), prefix), "-")
			if pid, err := strconv.Atoi(owner); err != nil || syscall.Kill(pid, 0) != syscall.ESRCH {
				continue
			}
			errs = append(errs, RemoveParent("/"+filepath.Base(dir)))
		}
	}
	return errors.Join(errs...)
}
