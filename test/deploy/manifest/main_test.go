//go:build linux

package manifest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"codecell/test/e2e/built"
	"codecell/test/e2e/cell"
	"codecell/test/e2e/volume"
)

// server is the real one, for the rules that ask it.
var server Cell

func TestMain(m *testing.M) { os.Exit(all(m)) }

func all(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "manifest:", err)
		return 1
	}
	dir, remove, err := built.Dir()
	if err != nil {
		return fail(err)
	}
	defer remove()
	if server.Binary, err = built.Codecell(dir); err != nil {
		return fail(err)
	}
	serving, err := cell.Start(context.Background(), cell.Options{Binary: server.Binary})
	if err != nil {
		return fail(err)
	}
	defer serving.Kill()
	server.URL = serving.URL
	return m.Run()
}

// made returns what `make TARGET DRY_RUN=1` would apply.
func made(t *testing.T, target string, variables ...string) []byte {
	t.Helper()
	out, err := makes(t, target, variables...)
	if err != nil {
		t.Fatalf("make %s: %v\n%s", target, err, out)
	}
	return out
}

func makes(t *testing.T, target string, variables ...string) ([]byte, error) {
	t.Helper()
	args := append([]string{"--silent", "--no-print-directory", "-C", "../../..", target, "DRY_RUN=1"}, variables...)
	cmd := exec.CommandContext(t.Context(), "make", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	return cmd.CombinedOutput()
}

const (
	image   = "IMAGE=registry.example/team/codecell:1.0"
	project = "PROJECT=my-project"
	region  = "REGION=europe-west1"
	science = "PROFILE=data-science"
)

// require skips the test when have is not nil, which says what is there instead
// of what is wanted. CODECELL_E2E_REQUIRE makes that a failure.
func require(t *testing.T, name, want string, have error) {
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

// requireScience skips where the server can't be asked about the profile data-science.
func requireScience(t *testing.T) {
	t.Helper()
	require(t, "workspaces", "what workspaces need", volume.Able())
	require(t, "packages", "what the profile data-science imports", volume.Packages())
}
