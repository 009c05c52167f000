//go:build e2e && linux

package image

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// programs are all that there may be where programs are looked for.
var programs = regexp.MustCompile(`^(usr/bin/python3(\.[0-9]+)?|usr/local/bin/codecell)$`)

// faults lists what an image for uid 65532 must not have: another program, files
// that anybody but root may write, files that make somebody root.
func faults(t *testing.T, root string) (found []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		mode := info.Mode()
		if !mode.IsDir() && (strings.HasPrefix(name, "usr/bin/") || strings.HasPrefix(name, "usr/sbin/") || strings.HasPrefix(name, "usr/local/")) &&
			!programs.MatchString(name) {
			found = append(found, "program: "+name)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: no owner", path)
		}
		if stat.Uid != 0 {
			found = append(found, "not root's: "+name)
		}
		if mode&fs.ModeSymlink == 0 && mode.Perm()&0o022 != 0 {
			found = append(found, "writable: "+name)
		}
		if mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			found = append(found, "setuid: "+name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 1000 {
		t.Fatalf("%s has %d files: that is no image", root, files)
	}
	return found
}

// TestContents: no program but python3 and codecell, nothing that its user may
// write. The base has all of what is looked for.
func TestContents(t *testing.T) {
	name := requireImage(t)
	if faults := faults(t, mounted(t, name)); len(faults) > 0 {
		t.Errorf("%d faults: %q", len(faults), faults)
	}
	base := faults(t, mounted(t, Base(runtime.GOARCH)))
	for _, want := range []string{"program: usr/bin/dash", "program: usr/bin/sh", "writable: tmp", "setuid: usr/bin/passwd"} {
		if !slices.Contains(base, want) {
			t.Errorf("control: the base has not %q", want)
		}
	}
}

// TestNoShell: there is none to start, neither by name nor from Python.
func TestNoShell(t *testing.T) {
	name := requireImage(t)
	if out, err := inside(t, name, "/bin/sh", "-c", "echo shell"); err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("%q, %v", out, err)
	}
	const program = `import os; print(os.getuid(), os.system("echo shell"), os.path.exists("/bin/sh"))`
	if out, err := inside(t, name, "/usr/bin/python3", "-c", program); err != nil || out != "65532 32512 False" { // 127<<8: not found
		t.Errorf("from Python: %q, %v", out, err)
	}
	if out, err := inside(t, Base(runtime.GOARCH), "/bin/sh", "-c", "echo shell"); err != nil || out != "shell" {
		t.Errorf("control: the base's shell: %q, %v", out, err)
	}
}
