package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// reach answers whether a user can get at a file, from mode bits alone and before
// anything is run as that user. The user has one group and no capability.
//
// POSIX ACLs are not read, so that a file opened to the user by one alone counts as closed.
type reach struct {
	uid, gid int
	lookup   func(path string) (inode, error)
}

// inode is what reach needs to know of a file, directory or symbolic link.
type inode struct {
	mode     fs.FileMode
	uid, gid int
	link     string // a symbolic link's target
}

// Rights on a file, as in the mode's bits. On a directory toRead means listing
// it and entering it.
const (
	toRead    fs.FileMode = 4
	toExecute fs.FileMode = 1
)

// errReach is in the chain of every error that says that the user may not.
var errReach = errors.New("no permission")

// reachError is a sentence; it is errReach.
type reachError string

func (e reachError) Error() string        { return string(e) }
func (e reachError) Is(target error) bool { return target == errReach }

// maxLinks bounds the symbolic links in one path, as the kernel does (path_resolution(7)).
const maxLinks = 40

// to follows an absolute path as the user would and returns where it leads,
// without symbolic links. The error names the first file or directory that is
// closed to the user, and its mode.
func (r reach) to(path string, want fs.FileMode) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%q is not an absolute path", path)
	}
	at := "/"
	node, err := r.lookup(at)
	if err != nil {
		return "", err
	}
	left := names(path)
	for links := 0; len(left) > 0; {
		if !node.mode.IsDir() {
			return "", &fs.PathError{Op: "enter", Path: at, Err: syscall.ENOTDIR}
		}
		if !r.may(node, toExecute) {
			return "", r.closed("enter", at, node)
		}
		next := filepath.Join(at, left[0]) // ".." too: at has no links in it
		left = left[1:]
		if node, err = r.lookup(next); err != nil {
			return "", err
		}
		if node.mode.Type() != fs.ModeSymlink {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "follow", Path: path, Err: syscall.ELOOP}
		}
		left = append(names(node.link), left...)
		if filepath.IsAbs(node.link) {
			at = "/"
		}
		if node, err = r.lookup(at); err != nil {
			return "", err
		}
	}
	if node.mode.IsDir() {
		want |= toExecute
	}
	switch {
	case want&toRead != 0 && !r.may(node, toRead):
		return "", r.closed("read", at, node)
	case want&toExecute != 0 && !r.may(node, toExecute):
		return "", r.closed("execute", at, node)
	}
	return at, nil
}

// may applies the one class of permission bits that the user falls in.
func (r reach) may(node inode, right fs.FileMode) bool {
	switch {
	case node.uid == r.uid:
		right <<= 6
	case node.gid == r.gid:
		right <<= 3
	}
	return node.mode.Perm()&right != 0
}

func (r reach) closed(verb, path string, node inode) error {
	return reachError(fmt.Sprintf("user %d can't %s %s (mode %04o)", r.uid, verb, path, node.mode.Perm()))
}

func names(path string) []string {
	return strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
}

// lookup is reach.lookup on the real file system.
func lookup(path string) (inode, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return inode{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return inode{}, fmt.Errorf("%s: no owner in %T", path, info.Sys())
	}
	node := inode{mode: info.Mode(), uid: int(stat.Uid), gid: int(stat.Gid)}
	if node.mode.Type() == fs.ModeSymlink {
		if node.link, err = os.Readlink(path); err != nil {
			return inode{}, err
		}
	}
	return node, nil
}
