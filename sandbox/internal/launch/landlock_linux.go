package launch

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LandlockABI asks the kernel for its Landlock version (landlock_create_ruleset(2));
// 0 when it has none, or a filter hides it. gVisor answers so too.
func LandlockABI() (int, error) {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch errno {
	case 0:
		return int(abi), nil
	case unix.ENOSYS, unix.EOPNOTSUPP:
		return 0, nil
	case unix.EPERM:
		return 0, errors.New("landlock_create_ruleset is refused by a seccomp filter of this container")
	default:
		return 0, errno
	}
}

// LandlockScopeABI is the first version that has scopes: no signal and no
// abstract socket leaves the domain.
const LandlockScopeABI = 6

// Ruleset returns struct landlock_ruleset_attr, as long as this version of the
// kernel takes it, with everything handled that the version knows: what no rule
// allows is then denied. Without any rule it leaves no file at all.
func Ruleset(abi int) []byte {
	const (
		fsV1    = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1 // EXECUTE (bit 0) to MAKE_SYM (bit 12)
		network = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		scopes  = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	)
	attr := unix.LandlockRulesetAttr{Handled_access_fs: fsV1}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if abi >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = network
		size = unsafe.Offsetof(attr.Scoped)
	}
	if abi >= 5 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= LandlockScopeABI {
		attr.Scoped = scopes
		size = unsafe.Offsetof(attr.Quiet_access_fs)
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	return append([]byte(nil), raw[:size]...)
}

// What is allowed beneath a path.
const (
	accessRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	accessExec = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	// No device, no FIFO, no socket, and nothing to execute.
	accessWork = accessRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER
)

// ReadAccess and WorkAccess are the rights of a run on what it may read, and on the
// folder that it works in. The latter takes LandlockWorkABI.
func ReadAccess() uint64 { return accessRead }

// NullAccess are the rights on the null device.
func NullAccess() uint64 {
	return unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
}

// WorkAccess is as ReadAccess.
func WorkAccess() uint64 { return accessWork }

// LandlockWorkABI is the first version that has a right for everything that a run may
// change in its folder, truncation at last (Linux 6.2).
const LandlockWorkABI = 3

// restrictFiles leaves the calling thread only the files in read, those in exec to
// read and execute, and those beneath the folders in work to work with; and what
// ProcSelfFD is. It is inherited and can't be undone.
func restrictFiles(abi int, read, exec, work []string) error {
	attr := Ruleset(abi)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr[0])), uintptr(len(attr)), 0)
	if errno != 0 {
		return fmt.Errorf("create ruleset: %w", errno)
	}
	ruleset := int(fd)
	defer unix.Close(ruleset)
	if err := allowBeneathFD(ruleset, ProcSelfFD, accessRead); err != nil {
		return fmt.Errorf("/proc/self: %w", err)
	}
	for _, allowed := range []struct {
		paths  []string
		access uint64
	}{{read, accessRead}, {exec, accessExec}, {work, accessWork}} {
		for _, path := range allowed.paths {
			if err := allowBeneath(ruleset, path, allowed.access); err != nil {
				return err
			}
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return fmt.Errorf("restrict self: %w", errno)
	}
	return nil
}

func allowBeneath(ruleset int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	if err := allowBeneathFD(ruleset, fd, access); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func allowBeneathFD(ruleset, fd int, access uint64) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		// EINVAL for others on a file.
		access &= unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("add rule: %w", errno)
	}
	return nil
}
