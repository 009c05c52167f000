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

// TestHide tries each call before and after a feature is hidden. It stays hidden
// on a thread of its own, which ends with its goroutine.
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
		"writing": {
			{"create a file", open(filepath.Join(dir, "new"), unix.O_CREAT|unix.O_WRONLY), unix.EROFS},
			{"create one without a name", open(dir, unix.O_TMPFILE|unix.O_WRONLY), unix.EROFS},
			{"write an existing file", open(existing, unix.O_WRONLY), unix.EROFS},
			{"read an existing file", open(existing, unix.O_RDONLY), 0},
			{"write in /proc", open("/proc/self/oom_score_adj", unix.O_WRONLY|unix.O_CREAT), 0},
			{"write in /dev", open("/dev/null", unix.O_WRONLY), 0},
		},
	} {
		t.Run(feature, func(t *testing.T) {
			t.Parallel()
			hide := mountReadOnly
			if feature == "writing" {
				if os.Geteuid() != 0 {
					t.Skipf("root: want uid 0 for a mount namespace, have uid %d", os.Geteuid())
				}
			} else {
				filter, err := assemble([]string{feature})
				if err != nil {
					t.Fatal(err)
				}
				hide = func() error { return install(filter) }
			}
			before, after := make([]error, len(attempts)), make([]error, len(attempts))
			installed := make(chan error)
			go func() {
				runtime.LockOSThread() // and never unlocked
				for i, a := range attempts {
					before[i] = a.do()
				}
				err := hide()
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
						t.Logf("%s: %v before it was hidden too: this machine does not have it", a.name, want)
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
