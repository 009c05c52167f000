//go:build e2e && linux

package image

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
	"codecell/test/e2e/chart"
	"codecell/test/e2e/volume"
	"codecell/test/memory"
)

// TestChart: the image with Debian's packages, started as deploy/knative/data-science.yaml
// has it, takes a CSV and gives a chart and a summary back.
func TestChart(t *testing.T) {
	const name, volumeMiB = tested + "-data-science", 64
	requireImage(t)
	require(t, "workspaces", "what workspaces need", volume.Able())
	if err := buildAs(Options{Name: name, Arch: runtime.GOARCH, Profile: "data-science"}); err != nil {
		t.Fatal(err)
	}
	if faults := faults(t, mounted(t, name)); len(faults) > 0 {
		t.Errorf("%d faults: %q", len(faults), faults)
	}
	size, err := Size(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("image %.1f MB", float64(size)/MB)

	c, client := serve(t, "data-science", memory.Options{Image: name, MemoryMiB: 2048, WorkspaceMiB: volumeMiB})
	for i := range 2 { // the second finds nothing of the first
		answer, err := client.Execute(t.Context(), chart.Request())
		if err == nil {
			err = chart.Check(answer)
		}
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	// The volume is all that a program may fill. That takes nothing of its memory.
	const fill = `
import numpy, os
written = 0
try:
    with open("all", "wb", buffering=0) as f:
        while True:
            written += f.write(bytes(1 << 20))
except OSError as e:
    print(e.strerror, written >> 20)
print(numpy.ones(120 << 20).nbytes >> 20)
`
	if answer, err := client.Execute(t.Context(), cell.Request{Code: fill}); err != nil || !answer.OK("No space left on device 64\n960\n") {
		t.Errorf("filling the volume: %v, %v", answer, err)
	}
	if answer, err := client.Execute(t.Context(), cell.Request{Code: "import os; print(os.listdir(), os.getuid())"}); err != nil || !answer.OK("[] 65532\n") {
		t.Errorf("after that: %v, %v", answer, err)
	}
	if left, err := os.ReadDir(procRoot(c) + "workspace"); err != nil || len(left) > 1 || len(left) == 1 && !strings.HasPrefix(left[0].Name(), "codecell-") {
		t.Errorf("left in the volume: %v, %v", left, err)
	}
	if !c.Same() {
		t.Errorf("the server was killed:\n%s", c.Log())
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}
