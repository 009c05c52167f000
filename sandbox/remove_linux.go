package sandbox

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// resumeDepth is how many folders on the way back up are gone on with where they were left.
const resumeDepth = 1024

// removeTree removes a folder beneath at, and what is in it. It follows no link, and however
// deep or wide the tree is, it holds two descriptors and a few KiB; nor does it need any room
// on the disk. It goes up by "..", and no further than it came from, whoever moves folders meanwhile.
func removeTree(at int, name string) error {
	dir, err := openOwn(at, name)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open a folder: %w", err)
	}
	defer func() { _ = dir.Close() }() // the one that it has come to
	var above unix.Stat_t
	if err := unix.Fstat(at, &above); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	// Where folders are to be gone on with: the deeper ones take the places of those above,
	// which are begun again.
	var resume [resumeDepth]struct {
		depth int
		from  int64
	}
	for depth := 0; ; {
		here := &resume[depth%resumeDepth]
		if here.depth != depth {
			here.depth, here.from = depth, 0
		}
		full, err := sweep(dir, &here.from)
		var next *os.File
		switch {
		case err != nil:
		case full != "":
			depth++
			resume[depth%resumeDepth].from = 0
			next, err = openOwn(int(dir.Fd()), full)
		case depth > 0:
			depth--
			next, err = openAbove(dir, &above)
		default:
			if err := unix.Unlinkat(at, name, unix.AT_REMOVEDIR); err != nil {
				return fmt.Errorf("remove a folder: %w", err)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("empty a folder: %w", err)
		}
		_ = dir.Close() // a directory
		dir = next
	}
}

// sweep removes what is in a folder, from a position of getdents64(2)'s on and then from its
// beginning, until nothing is left. A folder in it that is not empty stops it: sweep returns
// its name, and from is where to go on.
func sweep(dir *os.File, from *int64) (full string, err error) {
	const fixed = 19 // bytes of an entry before its name: inode, next position, length, type
	fd := int(dir.Fd())
	var buf [1024]byte // three of the longest names; more would be read again after each folder
	for {
		if _, err := unix.Seek(fd, *from, unix.SEEK_SET); err != nil {
			return "", os.NewSyscallError("lseek", err)
		}
		complete := *from == 0
		for {
			n, err := unix.Getdents(fd, buf[:])
			if err != nil {
				return "", os.NewSyscallError("getdents64", err)
			}
			if n == 0 {
				break
			}
			for entries := buf[:n]; len(entries) > 0; {
				length := binary.NativeEndian.Uint16(entries[16:])
				name, isDir := unix.ByteSliceToString(entries[fixed:length]), entries[18] == unix.DT_DIR
				if name != "." && name != ".." {
					complete = false // what is read on from a folder that changed may leave something out
					err := unlink(fd, name, isDir)
					if errors.Is(err, unix.ENOTEMPTY) {
						return name, nil
					}
					if err != nil {
						return "", err
					}
				}
				*from = int64(binary.NativeEndian.Uint64(entries[8:]))
				entries = entries[length:]
			}
		}
		if complete {
			return "", nil
		}
		*from = 0
	}
}

// unlink removes a file, or a folder that is empty. Not every file system says which it is.
func unlink(dir int, name string, isDir bool) error {
	if !isDir {
		if err := unix.Unlinkat(dir, name, 0); !errors.Is(err, unix.EISDIR) {
			return err
		}
	}
	return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
}

// openAbove opens the folder that dir is in, which must not be above it all.
func openAbove(dir *os.File, above *unix.Stat_t) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), "..", openFolder, 0)
	if err != nil {
		return nil, err
	}
	var here unix.Stat_t
	if err := unix.Fstat(fd, &here); err != nil || here.Dev == above.Dev && here.Ino == above.Ino {
		return nil, errors.Join(cmp.Or(err, errors.New("somebody moves its folders")), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), ".."), nil
}

const openFolder = unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// openOwn opens a folder that may have been closed to its owner, whom it has to be open to.
func openOwn(at int, name string) (*os.File, error) {
	fd, err := unix.Openat(at, name, openFolder, 0)
	if errors.Is(err, unix.EACCES) { // not to root
		if err := unix.Fchmodat(at, name, 0o700, 0); err != nil {
			return nil, err
		}
		fd, err = unix.Openat(at, name, openFolder, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Fchmod(fd, 0o700); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}
