//go:build linux

package sandbox

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// hide goes on with another task, on a machine with less.
func hide(t *testing.T, what, task string) {
	runtime.LockOSThread() // what is given up belongs to this thread, and goes on over exec
	var filter []bpf.Instruction
	for w := range strings.SplitSeq(what, ",") {
		switch w {
		case "privileges": // nothing to gain by exec
			check(t, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		case "sysadmin": // as in a container: root keeps what it needs to become another
			check(t, unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0))
		case "kill":
			check(t, unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_KILL, 0, 0, 0))
		case "setuid":
			check(t, unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SETUID, 0, 0, 0))
		case "userns":
			filter = append(filter,
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_CLONE3, SkipTrue: 1},
				bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_CLONE, SkipTrue: 4},
				bpf.LoadAbsolute{Off: 16, Size: 4}, // the flags
				bpf.JumpIf{Cond: bpf.JumpBitsNotSet, Val: unix.CLONE_NEWUSER, SkipTrue: 1},
				bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
				bpf.LoadAbsolute{Off: 0, Size: 4})
		case "landlock":
			for _, nr := range []uint32{unix.SYS_LANDLOCK_CREATE_RULESET, unix.SYS_LANDLOCK_ADD_RULE, unix.SYS_LANDLOCK_RESTRICT_SELF} {
				filter = append(filter, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nr, SkipTrue: 1},
					bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})
			}
		}
	}
	if filter != nil {
		filter = append([]bpf.Instruction{bpf.LoadAbsolute{Off: 0, Size: 4}}, append(filter, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})...)
		installFilter(t, filter)
	}
	env := append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, childTask+"=") }), childTask+"="+task)
	check(t, unix.Exec("/proc/self/exe", os.Args, env))
}

func installFilter(t *testing.T, filter []bpf.Instruction) {
	raw, err := bpf.Assemble(filter)
	check(t, err)
	prog := make([]unix.SockFilter, len(raw))
	for i, ins := range raw {
		prog[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		t.Fatal(errno)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
