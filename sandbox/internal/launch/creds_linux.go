package launch

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Securebits (capabilities(7)): root is nobody special, no capability comes back
// over a change of uid or an exec, and none of it can be unlocked.
const securebits = 1<<0 | 1<<1 | // SECBIT_NOROOT, locked
	1<<2 | 1<<3 | // SECBIT_NO_SETUID_FIXUP, locked
	1<<5 | // SECBIT_KEEP_CAPS_LOCKED (keep caps itself off)
	1<<6 | 1<<7 // SECBIT_NO_CAP_AMBIENT_RAISE, locked

// mapSelf gives a fresh user namespace its one mapping: our uid and gid, as
// themselves. An unprivileged process may write just this (user_namespaces(7)),
// and a gid only once setgroups is denied.
func mapSelf(uid, gid int) error {
	for _, f := range []struct{ path, text string }{
		{"/proc/self/setgroups", "deny"},
		{"/proc/self/uid_map", fmt.Sprintf("%d %d 1", uid, uid)},
		{"/proc/self/gid_map", fmt.Sprintf("%d %d 1", gid, gid)},
	} {
		if err := os.WriteFile(f.path, []byte(f.text), 0); err != nil {
			return err
		}
	}
	return nil
}

// dropBounding empties the bounding set and locks the securebits. Both need
// CAP_SETPCAP: whoever lacks it has nothing to bound, because its other sets are
// emptied by dropCapabilities and no_new_privs keeps them empty over exec.
func dropBounding() error {
	held, err := capabilities()
	if err != nil {
		return err
	}
	if held[0].Effective&(1<<unix.CAP_SETPCAP) == 0 {
		return nil
	}
	for c := uintptr(0); ; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // past the kernel's last capability
		} else if err != nil {
			return fmt.Errorf("bounding set: %w", err)
		}
	}
	return lockSecurebits()
}

// lockSecurebits leaves them alone where there are none (gVisor): with CAP_SETPCAP
// a kernel refuses only to change what is locked, and nothing is. The bounding set
// is empty, so no exec gives anything back without them either.
func lockSecurebits() error {
	err := unix.Prctl(unix.PR_SET_SECUREBITS, securebits, 0, 0, 0)
	if err != unix.EPERM && err != unix.EINVAL {
		return err
	}
	now, failed := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if failed == nil && now == 0 {
		return nil
	}
	return fmt.Errorf("securebits %#x: %w", now, err)
}

// switchUser leaves all groups and becomes uid and gid: real, effective, saved
// and file system. Raw calls, because only this thread goes on to exec.
func switchUser(uid, gid int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return fmt.Errorf("setgroups: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(gid), uintptr(gid), uintptr(gid)); errno != 0 {
		return fmt.Errorf("setresgid %d: %w", gid, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
		return fmt.Errorf("setresuid %d: %w", uid, errno)
	}
	return nil
}

// dropCapabilities empties the effective, permitted, inheritable and ambient
// sets, and reads them back.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil && err != unix.EINVAL {
		return fmt.Errorf("ambient set: %w", err) // EINVAL: a kernel without ambient capabilities
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if _, _, errno := unix.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&none[0])), 0); errno != 0 {
		return fmt.Errorf("capset: %w", errno)
	}
	left, err := capabilities()
	if err != nil {
		return err
	}
	if left != none {
		return fmt.Errorf("capset: still holding %+v", left)
	}
	return nil
}

func capabilities() (held [2]unix.CapUserData, err error) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if _, _, errno := unix.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&hdr)), uintptr(unsafe.Pointer(&held[0])), 0); errno != 0 {
		return held, fmt.Errorf("capget: %w", errno)
	}
	return held, nil
}
