//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// suites are the packages whose tests run programs.
var suites = []string{"sandbox", "test/contract"}

// first are the tests that -short leaves: all of them take minutes.
const first = "^Test(Attacks|BadPrograms|InnerJail|OuterJail|RunAsPythonDoes)$"

// suiteTimeout bounds one suite on one Python, as one user.
const suiteTimeout = 5 * time.Minute

// TestSuitesOnOtherPythons runs the tests of this repository that run programs
// with the Pythons that are not this machine's: every attack and every bad
// program that they know is tried there too. With -short little else is, by root.
func TestSuitesOnOtherPythons(t *testing.T) {
	requireRoot(t)
	requireCommand(t, "go")
	bin := filepath.Dir(codecell)
	if err := build(filepath.Join(bin, "framework"), "codecell/cmd/framework"); err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	shares := append(sources(t, top), bin)
	table := cell.NewTable("python", "user", "suite, test", "passed", "skipped", "failed", "seconds")
	for _, suite := range suites {
		binary := filepath.Join(bin, filepath.Base(suite)+".test")
		// With no flag, so that what go vet has compiled need not be compiled again.
		compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "codecell/"+suite)
		if out, err := compile.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", compile.Args, err, out)
		}
		for _, p := range pythons {
			if p.root == nil {
				continue // go test runs them here
			}
			for _, u := range users {
				restricted := u.name == restrictedUser
				if u.wrap != nil && !restricted || restricted && testing.Short() {
					continue
				}
				t.Run(p.name+"/"+u.name+"/"+suite, func(t *testing.T) {
					argv := append(p.wrap(t, nil, shares...), u.wrap...)
					argv = append(argv, "env", "-C", filepath.Join(top, suite), binary, "-test.v=test2json", "-test.timeout="+suiteTimeout.String())
					if testing.Short() {
						argv = append(argv, "-test.short", "-test.run="+first)
					}
					began := time.Now()
					out, err := runSuite(t, suiteTimeout, argv, "CONTRACT_BIN="+bin)
					took := time.Since(began).Seconds()
					tests := parseSuite(t, out)
					if err != nil || tests.all.failed > 0 || tests.all.passed == 0 {
						t.Errorf("%v\n%s", err, tests.why())
					}
					table.Row(p.name, u.name, suite, tests.all.passed, tests.all.skipped, tests.all.failed, fmt.Sprintf("%.0f", took))
					for _, top := range tests.order {
						if c := tests.below[top]; c.passed+c.skipped+c.failed >= tableFrom {
							table.Row("", "", "  "+top, c.passed, c.skipped, c.failed, "")
						}
					}
					if len(tests.skipped) > 0 {
						t.Logf("skipped: %s", strings.Join(tests.skipped, " "))
					}
				})
			}
		}
	}
	table.Print(t.Output())
}

// sources are the parts of the repository that tests read, one by one: the way
// to the repository may be closed to other users.
func sources(t *testing.T, top string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); !strings.HasPrefix(name, ".") {
			paths = append(paths, filepath.Join(top, name))
		}
	}
	return paths
}

// runSuite runs a test binary, which is to end by itself within that time, with
// nothing of our environment but env, and returns what it wrote. What its servers
// leave behind when a test kills them has to go to init, which reaps it: tests wait
// for that.
func runSuite(t *testing.T, within time.Duration, argv []string, env ...string) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within+10*time.Second)
	defer cancel()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cell.AdoptOrphans(); err != nil {
			t.Error(err)
		}
	}()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = slices.Concat(env, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"})
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return cmd.CombinedOutput()
}

// tableFrom is how many subtests make a test worth a row of its own.
const tableFrom = 10

// A tally counts tests that have no subtests.
type tally struct{ passed, skipped, failed int }

func (c *tally) add(action string) {
	switch action {
	case "pass":
		c.passed++
	case "skip":
		c.skipped++
	default:
		c.failed++
	}
}

// suiteTests is what a test binary said of its tests.
type suiteTests struct {
	all     tally
	below   map[string]*tally // by top-level test
	order   []string          // of those
	skipped []string
	// What each test that failed wrote, and what no test did.
	failures []string
	end      string
}

// parseSuite reads what a binary with -test.v=test2json wrote. It counts the
// leaves: a test with subtests says no more than they do, unless it is itself
// what failed.
func parseSuite(t *testing.T, out []byte) suiteTests {
	t.Helper()
	convert := exec.CommandContext(t.Context(), "go", "tool", "test2json")
	convert.Stdin = bytes.NewReader(out)
	events, err := convert.Output()
	if err != nil {
		t.Fatal(err)
	}
	s := suiteTests{below: map[string]*tally{}}
	type verdict struct{ test, action string }
	var verdicts []verdict
	said, parents := map[string]string{}, map[string]bool{}
	for line := range bytes.Lines(events) {
		var event struct{ Action, Test, Output string }
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch event.Action {
		case "output":
			said[event.Test] += event.Output
		case "pass", "skip", "fail":
			if event.Test != "" { // of the binary, else
				verdicts = append(verdicts, verdict{event.Test, event.Action})
			}
		}
		for name := event.Test; strings.Contains(name, "/"); {
			name = name[:strings.LastIndexByte(name, '/')]
			parents[name] = true
		}
	}
	for _, v := range verdicts {
		switch {
		case v.action == "fail":
			s.failures = append(s.failures, said[v.test])
		case parents[v.test]:
			continue
		case v.action == "skip":
			s.skipped = append(s.skipped, v.test)
		}
		s.all.add(v.action)
		top, _, _ := strings.Cut(v.test, "/")
		if s.below[top] == nil {
			s.below[top] = &tally{}
			s.order = append(s.order, top)
		}
		s.below[top].add(v.action)
	}
	s.end = said[""]
	return s
}

// why is what the tests that failed said, and the binary at its end.
func (s suiteTests) why() string {
	const most = 30_000 // bytes
	text := strings.Join(s.failures, "") + s.end
	return text[:min(len(text), most)]
}

func TestParseSuite(t *testing.T) {
	t.Parallel()
	requireCommand(t, "go")
	const mark = "\x16" // what -test.v=test2json puts before its own lines
	s := parseSuite(t, []byte(strings.NewReplacer("^", mark).Replace(`^=== RUN   TestA
no line's end^--- PASS: TestA (0.00s)
^=== RUN   TestB
^=== RUN   TestB/one
^=== RUN   TestB/two
    b_test.go:1: the reason
^--- FAIL: TestB (1.20s)
    ^--- PASS: TestB/one (0.10s)
    ^--- SKIP: TestB/two (0.00s)
^=== RUN   TestC
^=== RUN   TestC/d
^=== RUN   TestC/d/e
^--- PASS: TestC (0.00s)
    ^--- PASS: TestC/d (0.00s)
        ^--- PASS: TestC/d/e (0.00s)
^=== RUN   TestF
^--- SKIP: TestF (0.00s)
^FAIL
`)))
	if want := (tally{passed: 3, skipped: 2, failed: 1}); s.all != want {
		t.Errorf("all: %+v, want %+v", s.all, want)
	}
	if got, want := *s.below["TestB"], (tally{passed: 1, skipped: 1, failed: 1}); got != want {
		t.Errorf("TestB: %+v, want %+v", got, want)
	}
	if got := strings.Join(s.skipped, " "); got != "TestB/two TestF" {
		t.Errorf("skipped: %s", got)
	}
	if why := s.why(); !strings.Contains(why, "--- FAIL: TestB") || !strings.HasSuffix(why, "FAIL\n") {
		t.Errorf("why: %q", why)
	}
}
