//go:build linux

// Package stage builds what the tests of this module drive, and says what they
// do without.
package stage

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"codecell/test/e2e/built"
)

// Codecell is the path of the server's binary.
var Codecell string

// Main builds, runs the tests and ends the process. Other binaries are built in
// the folder that they are given.
func Main(m *testing.M, others ...func(dir string) error) {
	code, err := run(m, others)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, others []func(dir string) error) (int, error) {
	dir, remove, err := built.Dir()
	if err != nil {
		return 0, err
	}
	defer remove()
	if Codecell, err = built.Codecell(dir); err != nil {
		return 0, err
	}
	for _, build := range others {
		if err := build(dir); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// Require skips the test when have is not nil, which says what is there instead
// of what is wanted; it fails the test when CODECELL_E2E_REQUIRE has the name.
func Require(t *testing.T, name, want string, have error) {
	t.Helper()
	if have == nil {
		return
	}
	required := strings.Split(os.Getenv("CODECELL_E2E_REQUIRE"), ",")
	if slices.Contains(required, name) || slices.Contains(required, "all") {
		t.Fatalf("%s: want %s, have: %v", name, want, have)
	}
	t.Skipf("%s: want %s, have: %v", name, want, have)
}
