package launch

import (
	"encoding/binary"
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
	t.Helper()
	n, err := s.vm.Run(c.data())
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// number is a call's on this machine.
func number(t testing.TB, name string) uint32 {
	t.Helper()
	info, err := arch.GetInfo("")
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

// simulatedFilters are the three programs by name, with what each list says.
func simulatedFilters(t testing.TB) map[string]simulatedFilter {
	t.Helper()
	f, err := NewFilters()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]simulatedFilter{
		"outer": {simulate(t, f.Outer), outer, answerAllow, answerEPERM},
		"seal":  {simulate(t, f.Seal), seal, answerEPERM, answerAllow},
		"inner": {simulate(t, f.Inner), inner, answerAllow, answerEPERM},
	}
}

type simulatedFilter struct {
	simulated
	rules           []rule
	named, fallback uint32 // the answers to a call that a rule names, and to any other
}

// want is what the list says of a call, found without any program.
func (f simulatedFilter) want(t testing.TB, c call) uint32 {
	for _, r := range f.rules {
		if number(t, r.name) == c.nr && r.holds(c.args) {
			return f.named
		}
	}
	if c.nr == number(t, "clone3") && f.fallback == answerEPERM {
		return answerENOSYS
	}
	return f.fallback
}

func (r rule) holds(args [6]uint64) bool {
	for _, a := range r.tests {
		v := args[a.arg]
		ok := map[argOp]bool{
			equal: v == a.value, lessEqual: v <= a.value, moreEqual: v >= a.value,
			anyBit: v&a.value != 0, noBits: v&a.value == 0,
		}[a.op]
		if !ok {
			return false
		}
	}
	return true
}
