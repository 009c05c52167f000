//go:build linux

package main

import "codecell/test/mutant"

// lesser are the product without one of its layers, which has no switch and must have
// none. The layer is left out where it would be entered, so that nothing else is different.
// (test/e2e/hide makes the machine look as if it had no such layer, by a system call
// filter, which has a price of its own.)
var lesser = []struct {
	layer string
	edits []mutant.Edit
}{
	{"Landlock", []mutant.Edit{mutant.Replace("sandbox/plan_linux.go", "	p.landlockABI = abi\n", "	p.landlockABI = 0 * abi\n")}},
	{"namespaces", []mutant.Edit{mutant.Replace("sandbox/plan_linux.go", "namespaces: everyNamespace,", "namespaces: 0 * everyNamespace,")}},
	{"a run's own seccomp filter", []mutant.Edit{mutant.Replace("sandbox/zygote/jail.py", "        self.filter.install(number[\"seccomp\"])\n", "")}},
	{"the memory line", []mutant.Edit{mutant.Replace("sandbox/run_linux.go", "	defer line.add(f.run)()\n", "	_ = line\n")}},
}
