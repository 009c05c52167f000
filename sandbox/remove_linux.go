package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// removeTree removes a folder beneath at, and what is in it. It follows no link, and however
// deep or wide the tree is, it holds two descriptors and a few entries: what stands in a
// folder of the folder is moved up before that is removed. Nobody else may change it meanwhile.
func removeTree(at int, name string) error {
	top, err := openOwn(at, name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open a folder: %w", err)
	}
	defer top.Close()
	err = forEach(top, func(e os.DirEntry) error {
		if !e.IsDir() {
			return unix.Unlinkat(int(top.Fd()), e.Name(), 0)
		}
		return dissolve(top, e.Name())
	})
	if err != nil {
		return fmt.Errorf("empty a folder: %w", err)
	}
	if err := unix.Unlinkat(at, name, unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("remove a folder: %w", err)
	}
	return nil
}

// dissolve removes one folder of top; folders in it that are not empty are moved to top.
func dissolve(top *os.File, name string) error {
	at := int(top.Fd())
	err := unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
	if !errors.Is(err, unix.ENOTEMPTY) {
		return err
	}
	dir, err := openOwn(at, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	err = forEach(dir, func(e os.DirEntry) error {
		if !e.IsDir() {
			return unix.Unlinkat(int(dir.Fd()), e.Name(), 0)
		}
		if err := unix.Unlinkat(int(dir.Fd()), e.Name(), unix.AT_REMOVEDIR); !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
		// To be moved it must be writable: rename(2) changes its "..".
		if err := unix.Fchmodat(int(dir.Fd()), e.Name(), 0o700, 0); err != nil {
			return err
		}
		return unix.Renameat(int(dir.Fd()), e.Name(), at, rand.Text())
	})
	if err != nil {
		return err
	}
	return unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
}

// openOwn opens a folder that may have been closed to its owner, whom it has to be open to.
func openOwn(at int, name string) (*os.File, error) {
	if err := unix.Fchmodat(at, name, 0o700, 0); err != nil {
		return nil, err
	}
	fd, err := unix.Openat(at, name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// forEach calls do for the entries of a folder until there is none: each must be gone then.
func forEach(dir *os.File, do func(os.DirEntry) error) error {
	for {
		entries, err := dir.ReadDir(256)
		if len(entries) == 0 {
			return unlessEOF(err)
		}
		for _, e := range entries {
			if err := do(e); err != nil {
				return err
			}
		}
		// What is read on from a folder that changed may leave something out.
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
}
