//go:build linux && (amd64 || arm64)

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestEnterRoot looks around in a root, on a thread of its own, which ends with
// its goroutine. What is done there is looked at from here.
func TestEnterRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skipf("root: want uid 0 for a mount namespace, have uid %d", os.Geteuid())
	}
	if text, err := os.ReadFile("/proc/filesystems"); err != nil || !strings.Contains(string(text), "\toverlay\n") {
		t.Skipf("overlay: want the overlay file system, have (%v):\n%s", err, text)
	}
	ours := t.TempDir()
	dir, shared, hidden := filepath.Join(ours, "dir"), filepath.Join(ours, "shared"), filepath.Join(ours, "hidden")
	for _, made := range []string{"dev", "proc", "sys", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, made), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{filepath.Join(dir, "release"): "theirs", shared: "shared", hidden: "hidden"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := entries(t, "/tmp")

	// Filled in on the thread.
	var (
		theirs, share                        []byte
		top                                  []fs.DirEntry
		mounts                               []byte
		hiddenErr, upErr, shareWrite, create error
		null, sysWrite                       error
	)
	entered := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := enterRoot(dir, []string{shared})
		if err == nil {
			theirs, _ = os.ReadFile("/release")
			share, _ = os.ReadFile(shared)
			top, _ = os.ReadDir("/")
			mounts, _ = os.ReadFile("/proc/thread-self/mountinfo")
			_, hiddenErr = os.Stat(hidden)
			_, upErr = os.Stat("/../.." + hidden)
			shareWrite = os.WriteFile(shared, nil, 0)
			create = os.WriteFile("/release", []byte("written"), 0o600)
			null = os.WriteFile("/dev/null", []byte("x"), 0)
			sysWrite = os.WriteFile("/sys/kernel/uevent_seqnum", nil, 0)
		}
		entered <- err
	}()
	if err := <-entered; err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range top {
		names = append(names, e.Name())
	}
	if want := []string{"dev", "proc", "release", "sys", "tmp"}; !slices.Equal(names, want) {
		t.Errorf("/ has %q, want %q", names, want)
	}
	if string(theirs) != "theirs" || string(share) != "shared" {
		t.Errorf("read %q and, shared, %q", theirs, share)
	}
	for what, err := range map[string]error{"a file that is not shared": hiddenErr, "the same above the root": upErr} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{"write what is shared": shareWrite, "write in /sys": sysWrite} {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{"write a file": create, "write to /dev/null": null} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The fifth field is the mount point (proc_pid_mountinfo(5)).
	for line := range strings.Lines(string(mounts)) {
		point := strings.Fields(line)[4]
		if point != "/" && !slices.ContainsFunc([]string{"/dev", "/proc", "/sys", "/tmp"}, func(top string) bool {
			return point == top || strings.HasPrefix(point, top+"/")
		}) {
			t.Errorf("still mounted: %s", line)
		}
	}

	if text, err := os.ReadFile(filepath.Join(dir, "release")); err != nil || string(text) != "theirs" {
		t.Errorf("the folder itself was written: %q, %v", text, err)
	}
	if text, err := os.ReadFile(hidden); err != nil || string(text) != "hidden" {
		t.Errorf("outside, the hidden file: %q, %v", text, err)
	}
	for _, left := range []string{"upper", "work", "root"} {
		if slices.Contains(entries(t, "/tmp"), left) && !slices.Contains(before, left) {
			t.Errorf("outside, /tmp has %s", left)
		}
	}
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		features string
		want     less // its filter is not compared
		filtered bool
		ok       bool
	}{
		{"userns", less{}, true, true},
		{"writing", less{writing: true}, false, true},
		{"root=/a,share=/b,share=/c,writing,landlock", less{root: "/a", shares: []string{"/b", "/c"}, writing: true}, true, true},
		{"root=", less{}, false, false},
		{"root=/a,root=/b", less{}, false, false},
		{"share=/b", less{}, false, false},
		{"root=/a,share=b", less{}, false, false},
		{"writing=no", less{}, false, false},
		{"", less{}, false, false},
	} {
		got, err := parse(tt.features)
		if (err == nil) != tt.ok {
			t.Errorf("parse(%q): %v", tt.features, err)
		}
		if err == nil && (got.root != tt.want.root || !slices.Equal(got.shares, tt.want.shares) ||
			got.writing != tt.want.writing || (got.filter != nil) != tt.filtered) {
			t.Errorf("parse(%q) = %+v, want %+v", tt.features, got, tt.want)
		}
	}
}
