//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// The programs under test and beside it, in a folder that any user may enter.
var codecell, hide string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "codecell-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := prepare(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return m.Run()
}

func prepare(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	codecell, hide = filepath.Join(dir, "codecell"), filepath.Join(dir, "hide")
	if err := build(hide, "codecell/test/e2e/hide"); err != nil {
		return err
	}
	if given := os.Getenv("CODECELL_BIN"); given != "" {
		// A copy: the other users of the tests may not be able to reach it.
		binary, err := os.ReadFile(given)
		if err != nil {
			return err
		}
		if err := os.WriteFile(codecell, binary, 0o755); err != nil {
			return err
		}
	} else if err := build(codecell, "codecell/cmd/codecell"); err != nil {
		return err
	}
	return cell.AdoptOrphans()
}

// build makes a static binary that any user may run.
func build(to, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return os.Chmod(to, 0o755)
}

// require skips the test when have is not nil, which says what is there instead
// of what is wanted; it fails the test when CODECELL_E2E_REQUIRE has the name.
func require(t *testing.T, name, want string, have error) {
	t.Helper()
	if have == nil {
		return
	}
	if required(name) {
		t.Fatalf("%s: want %s, have: %v", name, want, have)
	}
	t.Skipf("%s: want %s, have: %v", name, want, have)
}

// required reports whether CODECELL_E2E_REQUIRE names it.
func required(name string) bool {
	names := strings.Split(os.Getenv("CODECELL_E2E_REQUIRE"), ",")
	return slices.Contains(names, name) || slices.Contains(names, "all")
}

func requireRoot(t *testing.T) {
	t.Helper()
	var have error
	if uid := os.Geteuid(); uid != 0 {
		have = fmt.Errorf("uid %d", uid)
	}
	require(t, "root", "uid 0", have)
}

// requireLong skips with -short what takes so long.
func requireLong(t *testing.T, takes time.Duration) {
	t.Helper()
	if testing.Short() {
		t.Skipf("time: want %v, have -short", takes)
	}
}

func requireCommand(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	require(t, name, "the command "+name, err)
}

// eventually polls until ok returns nil and fails the test with the last error
// when that takes longer than timeout.
func eventually(t *testing.T, timeout time.Duration, ok func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v still: %v", timeout, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// publicDir returns a folder that lasts as long as the test and that any user
// may enter and read, which t.TempDir alone is not.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
