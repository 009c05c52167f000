package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// close closes what the plan holds.
func (p plan) close() error {
	if p.volume == nil {
		return nil
	}
	return p.volume.Close()
}

// maxVolume, in bytes, is the largest file system that is taken for a volume with a
// size: a larger one is somebody's whole disk.
const maxVolume = 64 << 30

// openVolume opens the folder that an operator sets aside for workspaces, and removes what
// a server before this one has left in it. It must be a file system of its own: that is
// what bounds a run, and what a run could otherwise fill. It returns its size in bytes,
// and how much of that is memory: all or nothing. The folder is locked as long as it is open.
func openVolume(path string) (folder *os.File, size, memory int64, err error) {
	fail := func(format string, args ...any) (*os.File, int64, int64, error) {
		if folder != nil {
			_ = folder.Close() // refused
		}
		return nil, 0, 0, fmt.Errorf("sandbox: SANDBOX_WORKSPACE=%s: %w", path, fmt.Errorf(format, args...))
	}
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return fail("want an absolute path without . and ..")
	}
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("%w", err)
	}
	folder = os.NewFile(uintptr(fd), path)
	var own, above unix.Stat_t
	var fs unix.Statfs_t
	if err := unix.Fstat(fd, &own); err != nil {
		return fail("%w", err)
	}
	if err := unix.Lstat(filepath.Dir(path), &above); err != nil {
		return fail("%w", err)
	}
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fail("%w", err)
	}
	size = int64(fs.Blocks) * fs.Bsize
	switch {
	case own.Dev == above.Dev:
		return fail("it is no volume, but a folder of %s: a run could fill that. Mount a volume there that has a size", filepath.Dir(path))
	case size == 0:
		return fail("its file system has no size: a run could fill the container's memory with it. Give it one (sizeLimit)")
	case size > maxVolume:
		return fail("its file system has %d GiB, as if it were a whole disk that others use too: more than %d GiB is not taken for a volume with a size", size>>30, int64(maxVolume)>>30)
	case unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK|unix.X_OK, unix.AT_EACCESS) != nil:
		return fail("this server (uid %d) may not write there: give the volume to its user or group", os.Geteuid())
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fail("another server works there (%w): each needs a volume of its own", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fail("%w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), workspaceEntry) && e.IsDir() {
			if err := removeTree(fd, e.Name()); err != nil {
				return fail("what an earlier server left in it can't be removed: %w", err)
			}
		}
	}
	if fs.Type == unix.TMPFS_MAGIC {
		memory = size
	}
	return folder, size, memory, nil
}
