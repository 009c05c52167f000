package launch

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/bpf"
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
//
// Where runs have files, what they are denied is named: outer then asks the server
// (Asking), which says no. Of several answers the kernel takes the most severe, and
// EPERM is more severe than to ask; so inner has for what outer refuses as well an answer
// that is less severe, and denies all the same where it stands alone: a call that is to
// be traced, and has no tracer, is ENOSYS (seccomp(2)).
//
// It is outer that has the listener, and not a filter of the run's own, because a chain of
// filters can have one only: whoever could install another might say yes to what outer
// asks. And it never is in a process that runs Python.
type Filters struct {
	Outer  Program // default-deny; from before the interpreter's execve
	Asking Program // in place of Outer, for a listener; nil where runs have no files
	Seal   Program // from a warm zygote on: no program, no path, no new code, no huge page
	Inner  Program // default-deny; a run
}

// NewFilters assembles the lists of this package for this architecture and for runs
// with these abilities.
func NewFilters(a Abilities) (Filters, error) {
	if auditArch == 0 {
		return Filters{}, errors.New("no list of system calls for this architecture")
	}
	var f Filters
	var err error
	if f.Outer, err = allowOnly(a.outer(), answerEPERM); err != nil {
		return f, fmt.Errorf("outer filter: %w", err)
	}
	others, within := answerEPERM, a.inner()
	if a.Files {
		if f.Asking, err = allowOnly(a.outer(), answerAsk); err != nil {
			return f, fmt.Errorf("outer filter that asks: %w", err)
		}
		others, within = answerTrace, concat(within, a.denied())
	}
	if f.Seal, err = refuse(a.seal()); err != nil {
		return f, fmt.Errorf("seal: %w", err)
	}
	if f.Inner, err = allowOnly(within, others); err != nil {
		return f, fmt.Errorf("inner filter: %w", err)
	}
	return f, nil
}

// allowOnly is a default-deny program, which gives others to what no rule names. No filter
// can read the arguments of clone3; without it glibc falls back to clone, whose it can.
func allowOnly(rules []rule, others uint32) (Program, error) {
	return program(policy{
		rules: rules, matched: answerAllow, fallback: others,
		absent: []string{"clone3"},
	})
}

// refuse is a program that takes the rules' calls away and leaves the others as they are.
func refuse(rules []rule) (Program, error) {
	return program(policy{rules: rules, matched: answerEPERM, fallback: answerAllow})
}

func program(p policy) (Program, error) {
	code, err := p.assemble()
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(code)
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
