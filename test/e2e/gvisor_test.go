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
	out, err := runSuite(t, suiteTimeout, argv, "CODECELL_TEST_KERNEL=gvisor")
	tests := parseSuite(t, out)
	if err != nil || tests.all.failed > 0 || tests.all.passed < 100 {
		t.Errorf("%v\n%s", err, tests.why())
	}
	t.Logf("%d passed, %d skipped, %d failed", tests.all.passed, tests.all.skipped, tests.all.failed)
}

// TestGVisorContract has the server keep its contract under gVisor, to the last
// documented answer.
//
// One gVisor is enough for all of it, and only one test binary can say that every
// documented answer was met. Its first process is a shell, which reaps what a server
// that was killed leaves behind: tests wait for that, and a test binary would not do
// it. They run one after the other, as what one computes there takes from the time that
// another has; nothing is compiled inside, for the same reason.
func TestGVisorContract(t *testing.T) {
	const (
		atLeast = 1000    // tests
		memory  = 2 << 30 // bytes: it has taken 762 MiB
		within  = 20 * time.Minute
	)
	requireLong(t, within)
	runsc := requireRunsc(t)
	group := newCgroup(t, memory)
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Dir(codecell)
	if err := build(filepath.Join(bin, "framework"), "codecell/cmd/framework"); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(bin, "contract.gvisor.test")
	compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "codecell/test/contract")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", compile.Args, err, out)
	}
	argv := append(group.Enter(), gVisor(runsc, "env", "-C", filepath.Join(top, "test/contract"), "sh", "-c", `"$0" "$@"; exit $?`, binary,
		"-test.v=test2json", "-test.parallel=1", "-test.timeout="+within.String())...)
	out, err := runSuite(t, within, argv, "CONTRACT_BIN="+bin, "CODECELL_TEST_KERNEL=gvisor")
	tests := parseSuite(t, out)
	if err != nil || tests.all.failed > 0 || tests.all.passed < atLeast {
		t.Errorf("%v\n%s", err, tests.why())
	}
	if kills := group.oomKills(t); kills != 0 {
		t.Errorf("the kernel killed %d processes: gVisor took more than %d MiB", kills, memory>>20)
	}
	t.Logf("%d passed, %d skipped (%s), %d failed; gVisor took %d MiB at most", tests.all.passed, tests.all.skipped,
		strings.Join(tests.skipped, " "), tests.all.failed, group.peak(t)>>20)
}
