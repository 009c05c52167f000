package launch

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// swept is how many numbers of each ABI are tried: twice what any has had.
const swept = 1024

// An abi is a way to call the kernel that a process of this machine could have,
// or could not: the filters do not rely on it.
type abi struct {
	name    string
	entries []entry
}

// An entry is what all calls of an abi have in common.
type entry struct {
	arch   uint32
	offset uint32 // added to the number
}

// abis are the native one, which comes first, and others (AUDIT_ARCH_*,
// include/uapi/linux/audit.h).
func abis() []abi {
	foreign := func(arches ...uint32) (all []entry) {
		for _, arch := range arches {
			if arch != auditArch {
				all = append(all, entry{arch: arch})
			}
		}
		return all
	}
	return []abi{
		{"native (" + runtime.GOARCH + ")", []entry{{auditArch, 0}}},
		{"x32: bit 30", []entry{{auditArch, x32Bit}}},
		{"bit 31, bits 30 and 31", []entry{{auditArch, 1 << 31}, {auditArch, 1<<31 | x32Bit}}},
		{"i386", foreign(0x40000003)},
		{"the other of amd64, arm64", foreign(0xc000003e, 0xc00000b7)},
		{"arm, armeb, riscv64, ppc64le, s390x, mips64el, 0, ^0", foreign(
			0x40000028, 0x00000028, 0xc00000f3, 0xc0000015, 0x80000016, 0xc0000008, 0, ^uint32(0))},
	}
}

// A jail is the filters that a process stands under, in the order of their
// installation, and what docs/calls.md says that it may call.
type jail struct {
	name    string
	filters []string
	may     func(rows []documented, number func(string) uint32) map[uint32]bool
}

// jails are each filter alone, and those of a zygote and of a run together, where runs
// have these abilities.
func jails(a Abilities) []jail {
	added := func(list, name string) bool {
		return list == name || list == "files" && a.Files || list == "mounted" && a.Files && !a.Volume || list == "threads" && a.Threads || list == "files outer" && a.Files && name == "outer"
	}
	list := func(name string) func([]documented, func(string) uint32) map[uint32]bool {
		return func(rows []documented, number func(string) uint32) map[uint32]bool {
			may := map[uint32]bool{}
			for _, row := range rows {
				if added(row.list, name) {
					may[number(row.call)] = true
				}
			}
			return may
		}
	}
	// What files keep of the paths that the seal would take away, and open with them.
	kept := func(call string) bool {
		return a.Files && slices.ContainsFunc(sealPaths, func(r rule) bool { return r.name == call })
	}
	// What the seal refuses whatever the arguments.
	left := func(may map[uint32]bool, rows []documented, number func(string) uint32) map[uint32]bool {
		for _, row := range rows {
			if row.list == "seal" && row.arguments == "any" && !kept(row.call) {
				delete(may, number(row.call))
			}
		}
		return may
	}
	everything := func() map[uint32]bool {
		may := map[uint32]bool{}
		for nr := range uint32(swept) {
			may[nr] = true
		}
		return may
	}
	outer, inner := list("outer"), list("inner")
	run := func(rows []documented, number func(string) uint32) map[uint32]bool {
		may, within := left(outer(rows, number), rows, number), inner(rows, number)
		for nr := range may {
			if !within[nr] {
				delete(may, nr)
			}
		}
		return may
	}
	all := []jail{
		{"outer", []string{"outer"}, outer},
		{"seal", []string{"seal"}, func(rows []documented, number func(string) uint32) map[uint32]bool {
			return left(everything(), rows, number)
		}},
		{"inner", []string{"inner"}, inner},
		{"outer+seal", []string{"outer", "seal"}, func(rows []documented, number func(string) uint32) map[uint32]bool {
			return left(outer(rows, number), rows, number)
		}},
		{"outer+seal+inner", []string{"outer", "seal", "inner"}, run},
	}
	if a.Files {
		all = append(all, jail{"outer that asks", []string{"outer that asks"}, outer},
			jail{"outer that asks+seal+inner", []string{"outer that asks", "seal", "inner"}, run})
	}
	return all
}

// severest is the answer that the kernel takes when several filters are in force:
// the most severe, and among equals that of the filter installed last
// (seccomp_run_filters in kernel/seccomp.c). Most severe is least, as a signed number.
func severest(answers []uint32) uint32 {
	const action = 0xffff0000 // SECCOMP_RET_ACTION_FULL
	result := uint32(answerAllow)
	for _, a := range slices.Backward(answers) {
		if int32(a&action) < int32(result&action) {
			result = a
		}
	}
	return result
}

// probes are arguments for every number: for each rule of each list those for which
// it holds and those next to them, and some that no rule has in mind.
func probes(filters map[string]simulatedFilter) [][6]uint64 {
	all := [][6]uint64{
		{},
		{1, 1, 1, 1, 1, 1},
		{0, 3, 4, 0x22, 5, 6},
		{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)},
	}
	for _, f := range filters {
		for _, rules := range f.rules {
			for _, r := range rules {
				holds := satisfying(r)
				above := holds
				for _, a := range r.tests {
					above[a.arg] |= 1 << 32
				}
				all = append(all, holds, above)
			}
		}
	}
	slices.SortFunc(all, func(a, b [6]uint64) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(all)
}

// Every number of every ABI, under each filter alone and under those that a zygote
// and a run have, with every probe: each answer is the one that the lists say, and
// what can be called at all is what the document says, no more and no less.
func TestSweep(t *testing.T) {
	t.Parallel()
	for _, a := range everyAbility {
		t.Run(strings.Join(Argv(a)[1:], "+"), func(t *testing.T) {
			t.Parallel()
			sweepAll(t, a)
		})
	}
}

func sweepAll(t *testing.T, abilities Abilities) {
	filters, rows := simulatedFilters(t, abilities), documentedRows(t, runtime.GOARCH)
	tried := probes(filters)
	few := tried[:4] // of a foreign call, whose arguments no filter gets to
	out := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%d sets of arguments with each native number, %d with each foreign one\n", len(tried), len(few))
	fmt.Fprintf(out, "ABI\tfilter\tnumbers swept\tallowed\tas documented\n")
	for i, a := range abis() {
		for _, j := range jails(abilities) {
			var may map[uint32]bool // of a foreign ABI, nothing
			native, with := i == 0, few
			if native {
				with = tried
				may = j.may(rows, func(name string) uint32 { return number(t, name) })
			}
			passed, wrong := 0, 0
			for _, e := range a.entries {
				for nr := range uint32(swept) {
					allowed, mistakes := j.sweep(t, filters, call{nr: nr + e.offset, arch: e.arch}, with, native)
					if allowed {
						passed++
					}
					if allowed != may[nr] {
						mistakes = append(mistakes, fmt.Sprintf("can be called: %t, documented: %t", allowed, may[nr]))
					}
					for _, m := range mistakes {
						t.Errorf("%s under %s: number %d of %#x: %s", a.name, j.name, nr, e.arch, m)
					}
					wrong += len(mistakes)
				}
			}
			fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%s\n", a.name, j.name, swept*len(a.entries), passed, yesNo(wrong == 0))
		}
	}
	if err := out.Flush(); err != nil {
		t.Error(err)
	}
}

// sweep makes one call with all arguments: whether any was allowed, and where the
// filters answered otherwise than the lists say (a foreign call is always to be killed).
func (j jail) sweep(t testing.TB, filters map[string]simulatedFilter, c call, tried [][6]uint64, native bool) (allowed bool, mistakes []string) {
	got, want := make([]uint32, len(j.filters)), make([]uint32, len(j.filters))
	for _, c.args = range tried {
		for i, name := range j.filters {
			got[i], want[i] = filters[name].answer(t, c), answerKill
			if native {
				want[i] = filters[name].want(c)
			}
		}
		if severest(got) != severest(want) {
			mistakes = append(mistakes, fmt.Sprintf("%#x: %#x, want %#x", c.args, severest(got), severest(want)))
		}
		allowed = allowed || severest(got) == answerAllow
	}
	return allowed, mistakes
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "NO"
}

func TestSeverest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answers []uint32
		want    uint32
	}{
		{nil, answerAllow},
		{[]uint32{answerAllow, answerEPERM}, answerEPERM},
		{[]uint32{answerEPERM, answerAllow, answerAllow}, answerEPERM},
		{[]uint32{answerKill, answerEPERM}, answerKill},
		{[]uint32{answerEPERM, answerENOSYS}, answerENOSYS}, // the later filter's
		{[]uint32{answerENOSYS, answerEPERM}, answerEPERM},
		{[]uint32{answerAsk, answerEPERM}, answerEPERM},
		{[]uint32{answerAsk, answerAllow, answerTrace}, answerAsk},
		{[]uint32{answerAllow, answerTrace}, answerTrace},
	} {
		if got := severest(c.answers); got != c.want {
			t.Errorf("%#x: %#x, want %#x", c.answers, got, c.want)
		}
	}
}
