// Package e2e drives the built binary as its users do, over HTTP, and looks at
// it from outside: the kernel's counters, the process table, the file system.
// What needs root, a memory cgroup, curl or packages says so and skips; a skip is a
// failure for what CODECELL_E2E_REQUIRE names (comma-separated, or all).
//
//	make e2e                                  everything
//	make e2e MBPP=programs.jsonl              and real programs
//	make e2e-short                            less of it, for every push
//	go test -tags e2e -v ./test/e2e/ -run Capacity
//
// CODECELL_BIN names a binary to test; without it one is built. Tables are
// printed with -v.
package e2e
