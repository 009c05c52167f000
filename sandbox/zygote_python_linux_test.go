package sandbox

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestZygotePython runs the Python side's own tests with every python3 on this
// machine that is not too old for them, so that `go test` covers them too.
func TestZygotePython(t *testing.T) {
	s := pythonSearch{
		reach: reach{uid: os.Geteuid(), gid: os.Getegid(), lookup: lookup},
		path:  os.Getenv("PATH"), home: os.Getenv("HOME"),
	}
	var tested []string
	for _, candidate := range s.candidates(usualPythons) {
		d, err := s.ask(t.Context(), candidate)
		if err != nil || d.unfit() != nil || slices.Contains(tested, d.Executable) {
			continue
		}
		tested = append(tested, d.Executable)
		t.Run(d.versionString(), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			// -B: nothing is left behind in the repository.
			cmd := exec.CommandContext(ctx, d.Executable, "-B", "-W", "error", "-m", "unittest", "discover", "-s", "zygote")
			cmd.Env = []string{"PATH=" + s.path, "HOME=" + s.home, "TMPDIR=" + t.TempDir()}
			cmd.WaitDelay = time.Second
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", filepath.Base(d.Executable), err, output)
			}
		})
	}
	if len(tested) == 0 {
		t.Skip("want a python3 (CPython 3.11 or newer), have none")
	}
}
