//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGVisorDoctor looks at the layers under gVisor: it has no Landlock, which is
// absent and not failed, and the server starts all the same.
func TestGVisorDoctor(t *testing.T) {
	argv := gVisor(requireRunsc(t), codecell, "doctor", "--json")
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	var said struct {
		Isolation []struct{ Layer, State, Detail string }
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, l := range said.Isolation {
		want := "active"
		if strings.HasPrefix(l.Layer, "landlock") {
			want = "absent"
		}
		if l.State != want {
			t.Errorf("%s is %s (%s), want %s", l.Layer, l.State, l.Detail, want)
		}
	}
	if len(said.Isolation) < 10 {
		t.Errorf("%d layers: %s", len(said.Isolation), out)
	}
}

// TestGVisorAttacks makes every attack on the server under gVisor. With -short
// TestGVisorDoctor's alone are made there.
func TestGVisorAttacks(t *testing.T) {
	requireLong(t, 2*time.Minute)
	runsc := requireRunsc(t)
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(filepath.Dir(codecell), "sandbox.gvisor.test")
	compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "codecell/sandbox")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", compile.Args, err, out)
	}
	argv := gVisor(runsc, "env", "-C", filepath.Join(top, "sandbox"), binary,
		"-test.v=test2json", "-test.timeout="+suiteTimeout.String(), "-test.run=^TestAttacks$")
	out, err := runSuite(t, argv, "CODECELL_TEST_KERNEL=gvisor")
	tests := parseSuite(t, out)
	if err != nil || tests.all.failed > 0 || tests.all.passed < 100 {
		t.Errorf("%v\n%s", err, tests.why())
	}
	t.Logf("%d passed, %d skipped, %d failed", tests.all.passed, tests.all.skipped, tests.all.failed)
}
