//go:build linux

package main

import (
	"strings"

	"codecell/test/mutant"
)

// A mutation takes one rule, limit or gate out of the product. The attack that it
// was there for must show it: by a kill or by a breach. If it shows neither, the
// rule was not needed, or the proof does not prove it.
type mutation struct {
	name    string
	without string // what is taken away, for people
	edits   []mutant.Edit
	attack  string
}

var mutations = []mutation{
	{
		name: "memory-line", without: "the kill at the memory line", attack: "page_tables",
		edits: []mutant.Edit{mutant.Replace("sandbox/watch_linux.go", "\t\tvictim.run.kill(killedByMemoryLine)\n", "\t\t_, _ = victim, killedByMemoryLine\n")},
	},
	{
		name: "address-space", without: "RLIMIT_AS of a run", attack: "anonymous",
		edits: []mutant.Edit{mutant.Replace("sandbox/zygote/jail.py", "        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))\n", "")},
	},
	{
		name: "capture", without: "the cap on captured output", attack: "output_flood",
		edits: []mutant.Edit{mutant.Replace(
			"sandbox/capture.go", "append(c.out.Data, p[:min(len(p), room)]...)", "append(c.out.Data, p...)",
		)},
	},
	{
		name: "gate", without: "the gate's count of runs and MiB", attack: "anonymous",
		edits: []mutant.Edit{
			mutant.Replace("function/gate.go", "	if !room {\n", "	if room = true; !room {\n"),
			mutant.Replace("function/gate.go", "	case len(g.line) == 0 && g.fits(weight):\n", "	case len(g.line) == 0:\n"),
		},
	},
	{
		name: "header-bytes", without: "the bound on headers", attack: "long-headers",
		edits: []mutant.Edit{mutant.Replace("cmd/codecell/server.go", "	headerBytes = 16 << 10\n", "	headerBytes = 1 << 20\n")},
	},
	{
		name: "futex-hash", without: "the refusal of prctl", attack: "futex_hash",
		edits: []mutant.Edit{
			mutant.Replace("sandbox/internal/launch/calls.go", allowPdeathsig, allowFutexHash+allowPdeathsig),
			mutant.Replace("sandbox/internal/launch/calls.go", allowAnonymous, allowFutexHash+allowAnonymous),
		},
	},
	{
		name: "memfd", without: "the refusal of memfd_create, and RLIMIT_FSIZE", attack: "memfd",
		edits: []mutant.Edit{allow("memfd_create"), mutant.Replace("sandbox/zygote/jail.py", "        (resource.RLIMIT_FSIZE, files[\"size\"] if files else 0),\n", "")},
	},
	{
		name: "shared-memory", without: "the refusal of System V shared memory", attack: "system_v_memory",
		edits: []mutant.Edit{allow("shmget", "shmat", "shmctl")},
	},
	{
		name: "connections", without: "the cap on connections", attack: "many-connections",
		edits: []mutant.Edit{mutant.Replace("cmd/codecell/conncap.go", "	if taken := len(c.conns) - c.urgent; taken >= c.max {\n", "	if c.max == 0 {\n")},
	},
	{
		name: "intake", without: "the bound on bodies in memory", attack: "stalled-bodies",
		edits: []mutant.Edit{
			mutant.Replace("function/intake.go", "	return make(intake, intakeBase+slots*intakeOfSlot(line))\n", "	return make(intake, 10_000+0*slots*intakeOfSlot(line))\n"),
			mutant.Replace("cmd/codecell/conncap.go", "	if taken := len(c.conns) - c.urgent; taken >= c.max {\n", "	if c.max == 0 {\n"),
		},
	},
}

// Rules of the outer filter and the inner, and one that neither has.
const (
	allowPdeathsig = `		when("prctl", arg(0, equal, prSetPdeathsig), arg(1, equal, sigKill)),` + "\n"
	allowAnonymous = `		when("mmap", arg(0, equal, 0), arg(2, noBits, protExec), arg(3, equal, mapPrivAnon)),` + "\n"
	allowFutexHash = `		when("prctl", arg(0, equal, 78)),` + "\n"
)

// allow gives calls to the zygote and to every run.
func allow(names ...string) mutant.Edit {
	const some = `calls("brk", "munmap"`
	return mutant.Replace("sandbox/internal/launch/calls.go", some, some+`, "`+strings.Join(names, `", "`)+`"`)
}
