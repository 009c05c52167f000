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

// restrictFiles leaves the calling thread only the files in read, and those in
// exec to read and execute. It is inherited and can't be undone.
func restrictFiles(abi int, read, exec []string) error {
	attr := Ruleset(abi)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr[0])), uintptr(len(attr)), 0)
	if errno != 0 {
		return fmt.Errorf("create ruleset: %w", errno)
	}
	ruleset := int(fd)
	defer unix.Close(ruleset)
	const readFile, readDir = unix.LANDLOCK_ACCESS_FS_READ_FILE, unix.LANDLOCK_ACCESS_FS_READ_DIR
	for _, path := range read {
		if err := allowBeneath(ruleset, path, readFile|readDir); err != nil {
			return err
		}
	}
	for _, path := range exec {
		if err := allowBeneath(ruleset, path, readFile|unix.LANDLOCK_ACCESS_FS_EXECUTE); err != nil {
			return err
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
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &^= unix.LANDLOCK_ACCESS_FS_READ_DIR // EINVAL on a file
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("add rule for %s: %w", path, errno)
	}
	return nil
}
