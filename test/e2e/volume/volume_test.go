//go:build linux

package volume

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// requireAble skips where no volume can be had; CODECELL_E2E_REQUIRE makes that a failure.
func requireAble(t *testing.T) {
	t.Helper()
	have := Able()
	if have == nil {
		return
	}
	required := strings.Split(os.Getenv("CODECELL_E2E_REQUIRE"), ",")
	if slices.Contains(required, "workspaces") || slices.Contains(required, "all") {
		t.Fatalf("workspaces: want a volume, have: %v", have)
	}
	t.Skipf("workspaces: want a volume, have: %v", have)
}

// What is wrapped is who it was, and sees a volume of that size which we do not see.
func TestWrap(t *testing.T) {
	t.Parallel()
	requireAble(t)
	dir := t.TempDir()
	const look = `id -u; stat --file-system --format="%T $((8 * 1024 * 1024 / 4096)) %b" "$0"; echo x > "$0/file"; grep CapEff /proc/self/status`
	argv := slices.Concat(Wrap(dir, 8<<20), []string{"sh", "-c", look, dir})
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 3 || lines[0] != strconv.Itoa(os.Geteuid()) || lines[1] != "tmpfs 2048 2048" {
		t.Errorf("got %q", lines)
	}
	if os.Geteuid() != 0 && !strings.HasSuffix(string(out), "CapEff:\t0000000000000000\n") {
		t.Errorf("it has capabilities: %q", lines)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("outside are %v, %v", left, err)
	}
}
