//go:build linux

package attack

import (
	"os"
	"os/exec"
	"testing"
)

// requireRoot skips where other processes can't be read.
func requireRoot(t *testing.T) {
	t.Helper()
	if uid := os.Getuid(); uid != 0 {
		t.Skipf("want uid 0, have %d", uid)
	}
}

// requirePython skips where there is no interpreter.
func requirePython(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		t.Skipf("want a python3, have none: %v", err)
	}
	return python
}
