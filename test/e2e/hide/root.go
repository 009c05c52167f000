//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	// workshop is where the new root is put together. What was there is out of
	// sight from then on; every Unix has it.
	workshop = "/tmp"
	// written bounds, in bytes, what may be written over the folder, and in /tmp.
	written = "1g"
)

// What every container has in /dev (runc's AllowedDevices and setupDevSymlinks).
var (
	devices     = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}
	deviceLinks = map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
)

// enterRoot makes dir the calling thread's root, as a container runtime makes an
// image one: what is written goes to memory and never to dir. With it come /proc
// as it is, /sys read-only, a few devices, an empty /tmp, and shares: files and folders that are
// under the same names, read-only.
//
// It is pivot_root(2) and not chroot(2), which root undoes with a second chroot,
// and in which the kernel makes no user namespace: a layer that a container can
// have would be absent. /proc has the processes outside and nothing masked, which
// gives a program more to attack than a container does.
func enterRoot(dir string, shares []string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	// What changes here must not reach the namespace that we come from.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	// Others must be able to enter the folders made here.
	defer unix.Umask(unix.Umask(0o022))
	// All that stays is taken hold of before the workshop covers it.
	lower, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(lower)
	var kept []tree
	defer func() {
		for _, t := range kept {
			unix.Close(t.fd)
		}
	}()
	keep := func(readOnly bool, paths ...string) error {
		for _, path := range paths {
			t, err := takeTree(path, readOnly)
			if err != nil {
				return err
			}
			kept = append(kept, t)
		}
		return nil
	}
	if err := keep(false, append([]string{"/proc"}, devices...)...); err != nil {
		return err
	}
	if err := keep(true, append([]string{"/sys"}, shares...)...); err != nil {
		return err
	}

	if err := mount("tmpfs", workshop, "tmpfs", 0, "mode=755,size="+written); err != nil {
		return err
	}
	upper, work, root := filepath.Join(workshop, "upper"), filepath.Join(workshop, "work"), filepath.Join(workshop, "root")
	for _, made := range []string{upper, work, root} {
		if err := os.Mkdir(made, 0o755); err != nil {
			return err
		}
	}
	layers := fmt.Sprintf("lowerdir=/proc/thread-self/fd/%d,upperdir=%s,workdir=%s", lower, upper, work)
	if err := mount("overlay", root, "overlay", 0, layers); err != nil {
		return err
	}
	if err := makeDev(filepath.Join(root, "dev")); err != nil {
		return err
	}
	// The overlay has no file handles (name_to_handle_at(2)), which a folder for
	// files of one's own should have, to be attacked by.
	if err := mount("tmpfs", filepath.Join(root, "tmp"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size="+written); err != nil {
		return err
	}
	for _, t := range kept {
		if err := t.putUnder(root); err != nil {
			return err
		}
	}

	// The old root ends up on top of the new one, where it is taken off
	// (pivot_root(2), "pivot_root(".", ".")").
	if err := unix.Chdir(root); err != nil {
		return &os.PathError{Op: "chdir", Path: root, Err: err}
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount2", err)
	}
	return os.NewSyscallError("chdir", unix.Chdir("/"))
}

// makeDev mounts a /dev that has no device yet.
func makeDev(dev string) error {
	if err := mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=64m"); err != nil {
		return err
	}
	for name, target := range deviceLinks {
		if err := os.Symlink("/proc/self/fd"+target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	shm := filepath.Join(dev, "shm")
	if err := os.Mkdir(shm, 0o777); err != nil {
		return err
	}
	return os.Chmod(shm, 0o777|os.ModeSticky)
}

// A tree is a copy of the mounts from path down, attached nowhere yet.
type tree struct {
	path string
	dir  bool
	fd   int
}

func takeTree(path string, readOnly bool) (tree, error) {
	info, err := os.Stat(path)
	if err != nil {
		return tree{}, err
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return tree{}, &os.PathError{Op: "open_tree", Path: path, Err: err}
	}
	if readOnly {
		attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
		if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
			unix.Close(fd)
			return tree{}, &os.PathError{Op: "mount_setattr", Path: path, Err: err}
		}
	}
	return tree{path: path, dir: info.IsDir(), fd: fd}, nil
}

// putUnder attaches the tree under root by its own name, which is made if it is
// not there.
func (t tree) putUnder(root string) error {
	at := filepath.Join(root, t.path)
	folder := at
	if !t.dir {
		folder = filepath.Dir(at)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if !t.dir {
		file, err := os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	if err := unix.MoveMount(t.fd, "", unix.AT_FDCWD, at, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return &os.PathError{Op: "move_mount", Path: at, Err: err}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		return &os.PathError{Op: "mount", Path: target, Err: err}
	}
	return nil
}
