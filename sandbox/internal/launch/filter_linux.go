package launch

import (
	"encoding/binary"
	"errors"
	"fmt"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (seccomp(2)).
const (
	dataNr   = 0
	dataArch = 4
)

// A Program is a seccomp program as the kernel takes it: struct sock_filter,
// eight bytes each, in the byte order of this machine.
type Program []byte

// PIDOffsets returns the byte offsets at which a run's pid, as 32 bits, has to
// be patched in before the program is installed.
func (p Program) PIDOffsets() []int {
	var at []int
	for i := 4; i+4 <= len(p); i += 8 { // the constant is the last field of sock_filter
		if binary.NativeEndian.Uint32(p[i:]) == pidPlaceholder {
			at = append(at, i)
		}
	}
	return at
}

// Filters are the three programs of a launch, a zygote and a run.
type Filters struct {
	Outer Program // default-deny; from before the interpreter's execve
	Seal  Program // from a warm zygote on: no program, no path, no new code
	Inner Program // default-deny; a run
}

// NewFilters assembles the lists of this package for this architecture.
func NewFilters() (Filters, error) {
	if auditArch == 0 {
		return Filters{}, errors.New("no list of system calls for this architecture")
	}
	var f Filters
	var err error
	if f.Outer, err = allowOnly(outer); err != nil {
		return f, fmt.Errorf("outer filter: %w", err)
	}
	if f.Seal, err = refuse(seal); err != nil {
		return f, fmt.Errorf("seal: %w", err)
	}
	if f.Inner, err = allowOnly(inner); err != nil {
		return f, fmt.Errorf("inner filter: %w", err)
	}
	return f, nil
}

// allowOnly assembles a default-deny program: EPERM, but ENOSYS for clone3, whose
// arguments a filter can't read: glibc then falls back to clone, which it can.
func allowOnly(rules []rule) (Program, error) {
	return assemble(seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			group(rules, seccomp.ActionAllow),
			{Names: []string{"clone3"}, Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS)},
		},
	})
}

func refuse(rules []rule) (Program, error) {
	return assemble(seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls:      []seccomp.SyscallGroup{group(rules, seccomp.ActionErrno)},
	})
}

func group(rules []rule, action seccomp.Action) seccomp.SyscallGroup {
	g := seccomp.SyscallGroup{Action: action}
	for _, r := range rules {
		if len(r.tests) == 0 {
			g.Names = append(g.Names, r.name)
			continue
		}
		n := seccomp.NameWithConditions{Name: r.name}
		for _, t := range r.tests {
			n.Conditions = append(n.Conditions, seccomp.Condition{
				Argument: t.arg, Operation: seccomp.Operation(t.op), Value: t.value,
			})
		}
		g.NamesWithCondtions = append(g.NamesWithCondtions, n)
	}
	return g
}

// assemble puts our own check of the architecture in front of the policy: the
// library sends a foreign one to the policy's default action, which for the
// seal is to allow. A foreign or x32 call kills the process.
func assemble(policy seccomp.Policy) (Program, error) {
	body, err := policy.Assemble()
	if err != nil {
		return nil, err
	}
	kill := bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS}
	prog := append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		kill,
		bpf.LoadAbsolute{Off: dataNr, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32Bit, SkipTrue: 1},
		kill,
	}, body...)
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, err
	}
	out := make(Program, 0, 8*len(raw))
	for _, ins := range raw {
		out = binary.NativeEndian.AppendUint16(out, ins.Op)
		out = append(out, ins.Jt, ins.Jf)
		out = binary.NativeEndian.AppendUint32(out, ins.K)
	}
	return out, nil
}
