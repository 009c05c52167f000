package launch

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
)

// A call is struct seccomp_data without the instruction pointer, which no rule reads.
type call struct {
	nr, arch uint32
	args     [6]uint64
}

// data is the struct as x/net/bpf's VM wants it: the kernel loads words in the
// machine's own order, the VM in the network's.
func (c call) data() []byte {
	var b [64]byte
	word := func(at int, v uint32) { binary.BigEndian.PutUint32(b[at:], v) }
	word(dataNr, c.nr)
	word(dataArch, c.arch)
	for n, v := range c.args {
		lo, hi := dataArg(uint32(n))
		word(int(lo), uint32(v))
		word(int(hi), uint32(v>>32))
	}
	return b[:]
}

// A simulated program answers calls as the kernel would.
type simulated struct{ vm *bpf.VM }

func simulate(t testing.TB, p Program) simulated {
	t.Helper()
	var raw []bpf.RawInstruction
	for ; len(p) > 0; p = p[8:] {
		raw = append(raw, bpf.RawInstruction{
			Op: binary.NativeEndian.Uint16(p), Jt: p[2], Jf: p[3], K: binary.NativeEndian.Uint32(p[4:]),
		})
	}
	prog, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("an instruction that x/net/bpf does not know")
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	return simulated{vm}
}

func (s simulated) answer(t testing.TB, c call) uint32 {
	n, err := s.vm.Run(c.data())
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// table is this machine's, by name.
var table = sync.OnceValues(func() (*arch.Info, error) { return arch.GetInfo("") })

// number is a call's on this machine.
func number(t testing.TB, name string) uint32 {
	info, err := table()
	if err != nil {
		t.Skipf("want an architecture with a list of calls: %v", err)
	}
	nr, ok := info.SyscallNames[name]
	if !ok {
		t.Fatalf("%s is no call of %s", name, info.Name)
	}
	return uint32(nr)
}

func native(t testing.TB, name string, args ...uint64) call {
	c := call{nr: number(t, name), arch: auditArch}
	copy(c.args[:], args)
	return c
}

// simulatedPID is the run's.
const simulatedPID = 4711

// simulatedFilters are the programs by name, with what each list says, for runs with these
// abilities. Where these have files, there is an outer filter that asks as well.
func simulatedFilters(t testing.TB, a Abilities) map[string]simulatedFilter {
	t.Helper()
	f, err := NewFilters(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range f.Inner.PIDOffsets() {
		binary.NativeEndian.PutUint32(f.Inner[at:], simulatedPID)
	}
	within, others := a.inner(), answerEPERM
	if a.Files {
		within, others = concat(within, a.denied()), answerTrace
	}
	filters := map[string]simulatedFilter{
		"outer": newSimulatedFilter(t, f.Outer, a.outer(), answerAllow, answerEPERM),
		"seal":  newSimulatedFilter(t, f.Seal, a.seal(), answerEPERM, answerAllow),
		"inner": newSimulatedFilter(t, f.Inner, patched(within), answerAllow, others),
	}
	if a.Files {
		filters["outer that asks"] = newSimulatedFilter(t, f.Asking, a.outer(), answerAllow, answerAsk)
	}
	return filters
}

// patched are the rules as a run has them, with its pid in its place.
func patched(rules []rule) []rule {
	var all []rule
	for _, r := range rules {
		r.tests = slices.Clone(r.tests)
		for i := range r.tests {
			if r.tests[i].value == pidPlaceholder {
				r.tests[i].value = simulatedPID
			}
		}
		all = append(all, r)
	}
	return all
}

type simulatedFilter struct {
	simulated
	rules           map[uint32][]rule // by number
	named, fallback uint32            // the answers to a call that a rule names, and to any other
	clone3          uint32            // its number
}

func newSimulatedFilter(t testing.TB, p Program, rules []rule, named, fallback uint32) simulatedFilter {
	f := simulatedFilter{simulate(t, p), map[uint32][]rule{}, named, fallback, number(t, "clone3")}
	for _, r := range rules {
		nr := number(t, r.name)
		f.rules[nr] = append(f.rules[nr], r)
	}
	return f
}

// want is what the list says of a call, found without any program.
func (f simulatedFilter) want(c call) uint32 {
	for _, r := range f.rules[c.nr] {
		if r.holds(c.args) {
			switch r.instead {
			case tryAgain:
				return answerEAGAIN
			case done:
				return answerDone
			case denied:
				return answerEPERM
			default:
				return f.named
			}
		}
	}
	if c.nr == f.clone3 && f.fallback != answerAllow {
		return answerENOSYS
	}
	return f.fallback
}

func (r rule) holds(args [6]uint64) bool {
	for _, a := range r.tests {
		if !a.holds(args[a.arg]) {
			return false
		}
	}
	return true
}

func (a argTest) holds(v uint64) bool {
	switch a.op {
	case equal:
		return v == a.value
	case lessEqual:
		return v <= a.value
	case moreEqual:
		return v >= a.value
	case anyBit:
		return v&a.value != 0
	default: // noBits
		return v&a.value == 0
	}
}
