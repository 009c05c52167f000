package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// requireDisk makes a file system of 16 MiB as disks have one, and takes it down in the end.
func requireDisk(t *testing.T) (path string) {
	t.Helper()
	requireRoot(t)
	image := filepath.Join(t.TempDir(), "image")
	path = filepath.Join(filepath.Dir(image), "disk")
	check(t, os.Mkdir(path, 0o755))
	check(t, os.WriteFile(image, nil, 0o600))
	check(t, os.Truncate(image, 16<<20))
	for _, argv := range [][]string{{"/usr/sbin/mkfs.ext4", "-q", "-m", "0", "-N", "8192", image}, {"mount", "-o", "loop", image, path}} {
		if out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Skipf("want to mount an ext4 in a file: %v: %s", err, out)
		}
	}
	t.Cleanup(func() { check(t, unix.Unmount(path, 0)) })
	return path
}

// fill writes to a new file until its disk is full, byte for byte.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	check(t, err)
	defer f.Close()
	for size := 1 << 16; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, unix.ENOSPC) {
			size /= 2
		} else {
			check(t, err)
		}
	}
}

// What can be made in a workspace can be removed, with nothing to spare.
func TestRemoveTree(t *testing.T) {
	t.Parallel()
	disk, memory := requireDisk(t), requireVolume(t, "size=16m,nr_inodes=8192")
	for name, grow := range map[string]func(t *testing.T, top string){
		"nothing": func(*testing.T, string) {},
		"wide": func(t *testing.T, top string) {
			for i := range 3000 {
				check(t, os.Mkdir(filepath.Join(top, fmt.Sprint(i)), 0o700))
				check(t, os.WriteFile(filepath.Join(top, fmt.Sprint(i), "file"), nil, 0o600))
			}
		},
		"wide below": func(t *testing.T, top string) {
			for i := range 1000 { // to be moved up they would need blocks that are not there
				check(t, os.MkdirAll(filepath.Join(top, "a", fmt.Sprint(i), "x"), 0o700))
			}
		},
		"deep": func(t *testing.T, top string) {
			at, err := os.OpenRoot(top)
			check(t, err)
			for range 1500 {
				check(t, at.Mkdir("d", 0o700))
				check(t, at.Mkdir("e", 0o700))
				below, err := at.OpenRoot("d")
				check(t, err)
				check(t, at.Close())
				at = below
			}
			check(t, at.Close())
		},
		"closed": func(t *testing.T, top string) {
			check(t, os.MkdirAll(filepath.Join(top, "a", "b"), 0o700))
			check(t, os.Symlink("/", filepath.Join(top, "a", "root")))
			for _, name := range []string{"a/b", "a", "."} {
				check(t, os.Chmod(filepath.Join(top, name), 0))
			}
		},
	} {
		for kind, volume := range map[string]string{"ext4": disk, "tmpfs": memory} {
			top := filepath.Join(volume, "top")
			check(t, os.Mkdir(top, 0o700))
			grow(t, top)
			fill(t, filepath.Join(volume, "rest"))
			folder, err := os.Open(volume)
			check(t, err)
			if err := removeTree(int(folder.Fd()), "top"); err != nil {
				t.Errorf("%s on %s: %v", name, kind, err)
			}
			check(t, folder.Close())
			if _, err := os.Lstat(top); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("%s on %s is still there: %v", name, kind, err)
			}
			check(t, os.Remove(filepath.Join(volume, "rest")))
		}
	}
}

// Whoever moves a folder while it is emptied does not lead the removal out of the tree.
func TestRemoveTreeStaysBelow(t *testing.T) {
	t.Parallel()
	base, err := os.Open(t.TempDir())
	check(t, err)
	defer base.Close()
	check(t, os.MkdirAll(filepath.Join(base.Name(), "top", "below"), 0o700))
	var above unix.Stat_t
	check(t, unix.Fstat(int(base.Fd()), &above))
	top, err := openOwn(int(base.Fd()), "top")
	check(t, err)
	defer top.Close()
	below, err := openOwn(int(top.Fd()), "below")
	check(t, err)
	defer below.Close()
	up, err := openAbove(below, &above)
	check(t, err)
	check(t, up.Close())
	check(t, os.Rename(filepath.Join(base.Name(), "top", "below"), filepath.Join(base.Name(), "moved")))
	if up, err := openAbove(below, &above); err == nil {
		t.Errorf("it went on with %s", up.Name())
		check(t, up.Close())
	}
}
