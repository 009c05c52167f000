package main

import (
	"os"
	"strings"
	"testing"
)

// fileMemory is how much of this process's resident memory is of files, in KiB.
func fileMemory(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "RssFile:"); ok {
			for _, c := range strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")) {
				kib = kib*10 + int(c-'0')
			}
		}
	}
	return kib
}

// TestForgetStart: most of the program file's pages go, and the program goes on.
func TestForgetStart(t *testing.T) {
	before := fileMemory(t)
	if err := forgetStart(); err != nil {
		t.Fatal(err)
	}
	if after := fileMemory(t); after > before/2 {
		t.Errorf("%d KiB of files were resident, and %d are", before, after)
	}
}
