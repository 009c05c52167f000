//go:build linux && (amd64 || arm64)

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// mountReadOnly gives the calling thread a mount namespace of its own, in which
// nothing can be written but what a container runtime leaves writable: /proc
// and /dev.
func mountReadOnly() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	// What changes here must not reach the namespace that we come from.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, tree := range []struct {
		path string
		attr unix.MountAttr
	}{
		{"/", unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}},
		{"/proc", unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}},
		{"/dev", unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}},
	} {
		if err := unix.MountSetattr(unix.AT_FDCWD, tree.path, unix.AT_RECURSIVE, &tree.attr); err != nil {
			return &os.PathError{Op: "mount_setattr", Path: tree.path, Err: err}
		}
	}
	return nil
}
