//go:build linux && (amd64 || arm64)

package main

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A rule makes one system call fail with errno; with mask, only when the
// argument has one of its bits set.
type rule struct {
	call  uint32
	errno unix.Errno
	arg   uint32
	mask  uint32 // of the low half: all flags asked for here are below bit 32
}

// features are what a filter can hide.
var features = map[string][]rule{
	"userns": {
		{call: unix.SYS_CLONE, errno: unix.EPERM, arg: 0, mask: unix.CLONE_NEWUSER},
		{call: unix.SYS_UNSHARE, errno: unix.EPERM, arg: 0, mask: unix.CLONE_NEWUSER},
		{call: unix.SYS_CLONE3, errno: unix.ENOSYS}, // its flags are in memory, where no filter can look
	},
	"landlock": {
		{call: unix.SYS_LANDLOCK_CREATE_RULESET, errno: unix.ENOSYS},
		{call: unix.SYS_LANDLOCK_ADD_RULE, errno: unix.ENOSYS},
		{call: unix.SYS_LANDLOCK_RESTRICT_SELF, errno: unix.ENOSYS},
	},
}

// Offsets in struct seccomp_data (seccomp(2)). The low half of an argument
// comes first on both architectures, which are little-endian.
const (
	dataCall = 0
	dataArgs = 16
)

// assemble returns the filter that hides the named features. The number of the
// call is loaded anew for each rule, because looking at an argument overwrites
// it.
func assemble(names []string) ([]unix.SockFilter, error) {
	var prog []bpf.Instruction
	for _, name := range names {
		rules, ok := features[name]
		if !ok {
			return nil, fmt.Errorf("no feature is called %q", name)
		}
		for _, r := range rules {
			refuse := []bpf.Instruction{bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(r.errno)}}
			if r.mask != 0 {
				refuse = append([]bpf.Instruction{
					bpf.LoadAbsolute{Off: dataArgs + 8*r.arg, Size: 4},
					bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: r.mask, SkipFalse: 1},
				}, refuse...)
			}
			prog = append(prog,
				bpf.LoadAbsolute{Off: dataCall, Size: 4},
				bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: r.call, SkipTrue: uint8(len(refuse))})
			prog = append(prog, refuse...)
		}
	}
	prog = append(prog, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, err
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, ins := range raw {
		filter[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	return filter, nil
}

// install puts the filter on the calling thread. Root needs no no_new_privs for
// it and is left without, so that hiding a feature changes nothing else.
func install(filter []unix.SockFilter) error {
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	try := func() error {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
		if errno != 0 {
			return os.NewSyscallError("seccomp", errno)
		}
		return nil
	}
	err := try()
	if errors.Is(err, unix.EACCES) {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return os.NewSyscallError("prctl", err)
		}
		err = try()
	}
	return err
}
