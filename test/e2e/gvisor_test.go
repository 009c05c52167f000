//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
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

// TestGVisorContract has the server keep its contract under gVisor: each test of
// test/contract in a gVisor of its own, one after the other, as what one computes there
// takes from the time that another has.
//
// Its first process is a shell, which reaps what a server that was killed leaves behind:
// tests wait for that, and a test binary would not do it. Nothing is compiled inside.
// That every documented answer was met, only the whole suite in one process can say: it
// does so in go test.
func TestGVisorContract(t *testing.T) {
	const (
		atLeast = 1000    // tests, with the subtests
		memory  = 2 << 30 // bytes: TestBadPrograms has taken 727 MiB
		within  = 10 * time.Minute
	)
	requireLong(t, 15*time.Minute)
	runsc := requireRunsc(t)
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
	list := exec.CommandContext(t.Context(), binary, "-test.list=^Test")
	list.Env = append(os.Environ(), "CONTRACT_BIN="+bin)
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all tally
	table := cell.NewTable("test", "passed", "skipped", "failed", "seconds", "MiB at most")
	for name := range strings.FieldsSeq(string(names)) {
		t.Run(name, func(t *testing.T) {
			group := newCgroup(t, memory)
			argv := append(group.Enter(), gVisor(runsc, "env", "-C", filepath.Join(top, "test/contract"), "sh", "-c", `"$0" "$@"; exit $?`, binary,
				"-test.v=test2json", "-test.parallel=1", "-test.run=^"+name+"$", "-test.timeout="+within.String())...)
			began := time.Now()
			out, err := runSuite(t, within, argv, "CONTRACT_BIN="+bin, "CODECELL_TEST_KERNEL=gvisor")
			took := time.Since(began).Seconds()
			tests := parseSuite(t, out)
			if err != nil || tests.all.failed > 0 || tests.all.passed+tests.all.skipped == 0 {
				t.Errorf("%v\n%s", err, tests.why())
			}
			if kills := group.oomKills(t); kills != 0 {
				t.Errorf("the kernel killed %d processes: gVisor took more than %d MiB", kills, memory>>20)
			}
			all.passed, all.skipped, all.failed = all.passed+tests.all.passed, all.skipped+tests.all.skipped, all.failed+tests.all.failed
			table.Row(name, tests.all.passed, tests.all.skipped, tests.all.failed, fmt.Sprintf("%.0f", took), group.peak(t)>>20)
		})
	}
	table.Print(t.Output())
	t.Logf("%d passed, %d skipped, %d failed", all.passed, all.skipped, all.failed)
	if all.passed < atLeast {
		t.Errorf("%d tests passed, want %d at least", all.passed, atLeast)
	}
}
