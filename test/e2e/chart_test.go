//go:build e2e && linux

package e2e

import (
	"testing"

	"codecell/test/e2e/cell"
	"codecell/test/e2e/chart"
	"codecell/test/e2e/volume"
)

// A CSV in, a chart and a summary out, wherever workspaces can stand: mounted by the
// server for each run, and in a volume that somebody else has mounted.
func TestChart(t *testing.T) {
	require(t, "workspaces", "what workspaces need", volume.Able())
	require(t, "packages", "what the profile data-science imports", volume.Packages())
	const profile = "SANDBOX_PROFILE=data-science"
	dir := publicDir(t)
	for name, opts := range map[string]cell.Options{
		"mounted":     {Env: []string{profile}},
		"in a volume": {Env: []string{profile, "SANDBOX_WORKSPACE=" + dir}, Wrap: volume.Wrap(dir, 64<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, start(t, opts))
			for i := range 2 { // the second finds nothing of the first
				if err := chart.Check(execute(t, c, chart.Request())); err != nil {
					t.Errorf("request %d: %v", i, err)
				}
			}
			// A program that is not asked for files has none to return.
			if a := execute(t, c, cell.Request{Code: "import os\nprint(os.listdir())"}); !a.OK("[]\n") || len(a.Files) > 0 {
				t.Errorf("want an empty folder, got %s", a)
			}
		})
	}
}
