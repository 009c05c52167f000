package launch

import (
	"fmt"
	"math"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data (seccomp(2)).
const (
	dataNr   = 0
	dataArch = 4
	dataArgs = 16
)

// dataArg returns where the two halves of argument n are. Both architectures
// that have a list are little-endian.
func dataArg(n uint32) (lo, hi uint32) { return dataArgs + 8*n, dataArgs + 8*n + 4 }

// The answers of a program, for bpf.RetConstant.
const (
	answerAllow  = unix.SECCOMP_RET_ALLOW
	answerDone   = unix.SECCOMP_RET_ERRNO // with 0 for the error
	answerEPERM  = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	answerEAGAIN = unix.SECCOMP_RET_ERRNO | uint32(unix.EAGAIN)
	answerENOSYS = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	answerAsk    = uint32(unix.SECCOMP_RET_USER_NOTIF) // the listener's; ENOSYS without one
	answerTrace  = uint32(unix.SECCOMP_RET_TRACE)      // a tracer's; ENOSYS without one
	answerKill   = uint32(unix.SECCOMP_RET_KILL_PROCESS)
)

// A policy answers a call for which one of the rules holds with matched, the
// calls in absent as if the kernel had none such, and every other with fallback.
// A rule may have an answer of its own instead. Of several that hold the first counts.
type policy struct {
	rules             []rule
	matched, fallback uint32
	absent            []string
}

// assemble lays a policy out as
//
//	a foreign architecture, an x32 number   -> kill
//	the numbers that have no tests          -> matched
//	for each number that has tests, or an answer of its own:
//	    its rules, one after the other      -> matched
//	    none of them holds                  -> fallback
//	the absent numbers                      -> ENOSYS
//	the rest                                -> fallback
//
// The tests of a number overwrite the accumulator, which held the number. So a
// block that was entered is never left for the next: there, an argument would
// be compared with the numbers of other calls. (go-seccomp-bpf 1.6.0 assembles
// it that way, which is why it is not used for this.)
// TestRefusedArgumentIsNoNumber proves it.
func (p policy) assemble() ([]bpf.Instruction, error) {
	table, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	var always []uint32          // numbers without tests
	var tested []uint32          // the others, in the order of the list
	rules := map[uint32][]rule{} // of a number
	for _, r := range p.rules {
		n, ok := table.SyscallNames[r.name]
		if !ok {
			return nil, fmt.Errorf("%s has no system call %s", table.Name, r.name)
		}
		nr := uint32(n)
		switch had := rules[nr]; {
		case had == nil && len(r.tests) == 0 && r.instead == 0:
			always = append(always, nr)
		case had == nil:
			tested = append(tested, nr)
		case len(r.tests) == 0 && r.instead == 0, len(had[len(had)-1].tests) == 0:
			return nil, fmt.Errorf("%s is named twice, once without a test", r.name)
		}
		rules[nr] = append(rules[nr], r)
	}

	prog := []bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		bpf.RetConstant{Val: answerKill},
		bpf.LoadAbsolute{Off: dataNr, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32Bit, SkipTrue: 1},
		bpf.RetConstant{Val: answerKill},
	}
	if len(always) > math.MaxUint8 {
		return nil, fmt.Errorf("%d calls without tests: more than a jump can skip", len(always))
	}
	for i, nr := range always {
		prog = append(prog, bpf.JumpIf{Cond: bpf.JumpEqual, Val: nr, SkipTrue: uint8(len(always) - i)})
	}
	prog = append(prog, bpf.Jump{Skip: 1}, bpf.RetConstant{Val: p.matched})
	for _, nr := range tested {
		block, err := p.block(rules[nr])
		if err != nil {
			return nil, err
		}
		prog = append(prog, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: nr, SkipTrue: uint8(len(block))})
		prog = append(prog, block...)
	}
	for _, name := range p.absent {
		nr, ok := table.SyscallNames[name]
		if !ok {
			return nil, fmt.Errorf("%s has no system call %s", table.Name, name)
		}
		prog = append(prog, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(nr), SkipTrue: 1}, bpf.RetConstant{Val: answerENOSYS})
	}
	return append(prog, bpf.RetConstant{Val: p.fallback}), nil
}

// block is the code for one number: it always returns.
func (p policy) block(rules []rule) ([]bpf.Instruction, error) {
	var code []bpf.Instruction
	for _, r := range rules {
		answer := p.matched
		switch r.instead {
		case tryAgain:
			answer = answerEAGAIN
		case done:
			answer = answerDone
		case denied:
			answer = answerEPERM
		}
		one := []bpf.Instruction{bpf.RetConstant{Val: answer}}
		for i := len(r.tests) - 1; i >= 0; i-- {
			test, err := r.tests[i].code(len(one))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			one = append(test, one...)
		}
		code = append(code, one...)
	}
	code = append(code, bpf.RetConstant{Val: p.fallback})
	if len(code) > math.MaxUint8 {
		return nil, fmt.Errorf("%s: %d instructions: more than a jump can skip", rules[0].name, len(code))
	}
	return code, nil
}

// code compares the argument, by halves. What comes next is reached if the test
// holds; else the given number of instructions of it is skipped.
func (a argTest) code(skip int) ([]bpf.Instruction, error) {
	if a.arg > 5 {
		return nil, fmt.Errorf("no call has an argument %d", a.arg)
	}
	const longest = 5 // instructions of one test
	if skip > math.MaxUint8-longest {
		return nil, fmt.Errorf("%d instructions: more than a jump can skip", skip)
	}
	rest := uint8(skip)
	lo, hi := dataArg(a.arg)
	load := func(at uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: at, Size: 4} }
	when := func(cond bpf.JumpTest, half uint64, skip uint8) bpf.Instruction {
		return bpf.JumpIf{Cond: cond, Val: uint32(half), SkipTrue: skip}
	}
	low, high := a.value&math.MaxUint32, a.value>>32
	switch a.op {
	case equal:
		return []bpf.Instruction{
			load(hi), when(bpf.JumpNotEqual, high, rest+2),
			load(lo), when(bpf.JumpNotEqual, low, rest),
		}, nil
	case lessEqual:
		return []bpf.Instruction{
			load(hi), when(bpf.JumpGreaterThan, high, rest+3), when(bpf.JumpLessThan, high, 2),
			load(lo), when(bpf.JumpGreaterThan, low, rest),
		}, nil
	case moreEqual:
		return []bpf.Instruction{
			load(hi), when(bpf.JumpLessThan, high, rest+3), when(bpf.JumpGreaterThan, high, 2),
			load(lo), when(bpf.JumpLessThan, low, rest),
		}, nil
	case anyBit:
		return []bpf.Instruction{
			load(hi), when(bpf.JumpBitsSet, high, 2),
			load(lo), when(bpf.JumpBitsNotSet, low, rest),
		}, nil
	case noBits:
		return []bpf.Instruction{
			load(hi), when(bpf.JumpBitsSet, high, rest+2),
			load(lo), when(bpf.JumpBitsSet, low, rest),
		}, nil
	default:
		return nil, fmt.Errorf("unknown test %d", a.op)
	}
}
