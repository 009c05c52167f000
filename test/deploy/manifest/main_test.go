//go:build linux

package manifest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"codecell/test/e2e/built"
	"codecell/test/e2e/cell"
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
)
