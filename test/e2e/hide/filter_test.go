//go:build linux && (amd64 || arm64)

package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHide tries each call before and after the filter is in force. The filter
// stays on a thread of its own, which ends with its goroutine.
func TestHide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	existing := filepath.Join(dir, "existing")
	if err := os.WriteFile(existing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	type attempt struct {
		name   string
		do     func() error
		hidden unix.Errno // what it answers when the feature is hidden; 0: it works as before
	}
	open := func(path string, flags int) func() error {
		return func() error {
			fd, err := unix.Openat(unix.AT_FDCWD, path, flags|unix.O_CLOEXEC, 0o600)
			if err == nil {
				unix.Close(fd)
			}
			return err
		}
	}
	raw := func(call, a, b, c uintptr) func() error {
		return func() error {
			if _, _, errno := unix.RawSyscall(call, a, b, c); errno != 0 {
				return errno
			}
			return nil
		}
	}
	for feature, attempts := range map[string][]attempt{
		"userns": {
			// EINVAL without the filter: this process has many threads.
			{"unshare user", raw(unix.SYS_UNSHARE, unix.CLONE_NEWUSER, 0, 0), unix.EPERM},
			{"unshare nothing", raw(unix.SYS_UNSHARE, 0, 0, 0), 0},
			{"clone3 without arguments", raw(unix.SYS_CLONE3, 0, 0, 0), unix.ENOSYS},
		},
		"landlock": {
			{"version", raw(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION), unix.ENOSYS},
			{"add", raw(unix.SYS_LANDLOCK_ADD_RULE, 0, 0, 0), unix.ENOSYS},
			{"restrict", raw(unix.SYS_LANDLOCK_RESTRICT_SELF, 0, 0, 0), unix.ENOSYS},
		},
		"create": {
			{"create a file", open(filepath.Join(dir, "new"), unix.O_CREAT|unix.O_WRONLY), unix.EROFS},
			{"create one without a name", open(dir, unix.O_TMPFILE|unix.O_WRONLY), unix.EROFS},
			{"open a folder", open(dir, unix.O_DIRECTORY), 0},
			{"write an existing file", open(existing, unix.O_WRONLY), 0},
			{"create a folder", func() error { return unix.Mkdirat(unix.AT_FDCWD, dir, 0o700) }, unix.EROFS},
		},
	} {
		t.Run(feature, func(t *testing.T) {
			t.Parallel()
			filter, err := assemble([]string{feature})
			if err != nil {
				t.Fatal(err)
			}
			before, after := make([]error, len(attempts)), make([]error, len(attempts))
			installed := make(chan error)
			go func() {
				runtime.LockOSThread() // and never unlocked
				for i, a := range attempts {
					before[i] = a.do()
				}
				err := install(filter)
				if err == nil {
					for i, a := range attempts {
						after[i] = a.do()
					}
				}
				installed <- err
			}()
			if err := <-installed; err != nil {
				t.Fatal(err)
			}
			for i, a := range attempts {
				want := before[i]
				if a.hidden != 0 {
					want = a.hidden
					if errors.Is(before[i], want) {
						t.Logf("%s: %v without the filter too: this machine does not have it", a.name, want)
					}
				}
				if !errors.Is(after[i], want) {
					t.Errorf("%s: %v, then hidden %v; want %v", a.name, before[i], after[i], want)
				}
			}
		})
	}
}

func TestAssembleRefusesAnUnknownFeature(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{""}, {"userns", "usernes"}} {
		if _, err := assemble(names); err == nil {
			t.Errorf("assemble(%q) knows them", names)
		}
	}
	known := slices.Sorted(maps.Keys(features))
	if _, err := assemble(known); err != nil {
		t.Errorf("assemble(%q): %v", known, err)
	}
}
