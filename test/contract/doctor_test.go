//go:build linux

package contract

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// diagnosis is what doctor --json prints.
type diagnosis struct {
	Fit         bool
	Refusal     string
	Interpreter *struct{ Path, Version string }
	Isolation   []struct{ Layer, State string }
	Attacks     []struct {
		Attack, Must, Happened string
		Held                   bool
	}
	Budget *struct {
		Fits    int
		RunMiB  int `json:"run_mib"`
		Reserve int `json:"reserve_mib"`
	}
}

// notHeld are the attacks that did not end as they must.
func (d diagnosis) notHeld() (names []string) {
	for _, a := range d.Attacks {
		if !a.Held {
			names = append(names, a.Attack)
		}
	}
	return names
}

// examine has a binary's doctor print JSON, and wants an exit code.
func examine(t *testing.T, cmd *exec.Cmd, stdout, stderr *syncBuffer, code int) (d diagnosis) {
	t.Helper()
	if got := exitCode(t, cmd); got != code {
		t.Errorf("exit code %d, want %d; %s%s", got, code, stdout, stderr)
	}
	if err := json.Unmarshal([]byte(stdout.String()), &d); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return d
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, code int, env ...string) diagnosis {
		t.Helper()
		cmd, stdout, stderr := codecell(t, "", "doctor", "--json")
		cmd.Env = append(cmd.Env, env...)
		return examine(t, cmd, stdout, stderr, code)
	}
	t.Run("fit", func(t *testing.T) {
		t.Parallel()
		d := run(t, 0)
		if !d.Fit || d.Refusal != "" || d.Interpreter == nil || d.Interpreter.Path == "" || len(d.Isolation) < 5 || d.Budget == nil || d.Budget.Fits < 1 {
			t.Errorf("got %+v", d)
		}
		if len(d.Attacks) < 12 || len(d.notHeld()) > 0 {
			t.Errorf("of %d attacks %q were not held: %+v", len(d.Attacks), d.notHeld(), d.Attacks)
		}
	})
	t.Run("too little memory", func(t *testing.T) {
		t.Parallel()
		d := run(t, 1, "SANDBOX_MEMORY_LIMIT=300Mi")
		if d.Fit || !strings.Contains(d.Refusal, "300 MiB") || d.Budget == nil || d.Budget.Fits != 0 || d.Budget.RunMiB == 0 || d.Attacks != nil {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("a bad value", func(t *testing.T) {
		t.Parallel()
		if d := run(t, 1, "SANDBOX_MAX_WAIT=soon"); d.Fit || !strings.Contains(d.Refusal, "SANDBOX_MAX_WAIT") {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		cmd, stdout, _ := codecell(t, "", "doctor")
		if code := exitCode(t, cmd); code != 0 {
			t.Errorf("exit code %d", code)
		}
		for _, word := range []string{"fit: ", "/python3", "seccomp", "EPERM from execve", "memory line", "for runs"} {
			if !strings.Contains(stdout.String(), word) {
				t.Errorf("it does not say %q:\n%s", word, stdout)
			}
		}
	})
}

// A layer that is required and absent is a refusal; what there is stands the
// attacks all the same. Who is root takes a uid for its runs, others can't.
func TestDoctorMissesALayer(t *testing.T) {
	t.Parallel()
	cmd, stdout, stderr := codecell(t, "", "doctor", "--json")
	cmd.Env = append(cmd.Env, "SANDBOX_REQUIRE=seccomp,uid")
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
	}
	d := examine(t, cmd, stdout, stderr, 1)
	if d.Fit || !strings.Contains(d.Refusal, "isolation layer uid is required but absent here") {
		t.Errorf("refused: %q", d.Refusal)
	}
	if len(d.Attacks) < 12 || len(d.notHeld()) > 0 {
		t.Errorf("of %d attacks %q were not held: %+v", len(d.Attacks), d.notHeld(), d.Attacks)
	}
}

// doctorMutations take one thing each out of a binary, and the attack that must
// notice it.
var doctorMutations = []struct{ attack, file, old, changed string }{
	{"descriptors_of_others", "sandbox/zygote/jail.py", "        os.closerange(len(PLACES), self.files)\n", ""},
	{"map_too_much", "sandbox/zygote/jail.py", "        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))\n", ""},
	{"connect_tcp", "sandbox/internal/launch/calls.go", `calls("brk", "munmap"`, `calls("socket", "brk", "munmap"`},
	{
		"own_environment", "sandbox/warm_linux.go",
		`[]string{"LC_ALL=C", "MALLOC_ARENA_MAX=1", "TZ=" + tz}`, `append(os.Environ(), "LC_ALL=C", "MALLOC_ARENA_MAX=1", "TZ=" + tz)`,
	},
	{"output_flood", "sandbox/capture.go", "append(c.out.Data, p[:min(len(p), room)]...)", "append(c.out.Data, p...)"},
}

// A jail that has holes is not called safe, and they are named.
func TestDoctorNotices(t *testing.T) {
	t.Parallel()
	mutant := buildMutant(t)
	cmd, stdout, stderr := codecell(t, "", "doctor", "--json")
	cmd.Path = mutant
	d := examine(t, cmd, stdout, stderr, 2)
	got := d.notHeld()
	for _, m := range doctorMutations {
		if !slices.Contains(got, m.attack) {
			t.Errorf("%s is said to be held", m.attack)
		}
	}
	if !d.Fit {
		t.Errorf("the mutant does not start: %s", d.Refusal)
	}

	cmd, stdout, _ = codecell(t, "", "doctor")
	cmd.Path = mutant
	if code := exitCode(t, cmd); code != 2 || !strings.HasPrefix(stdout.String(), "unsafe: ") || strings.Count(stdout.String(), "NOT HELD") != len(got) {
		t.Errorf("exit code %d; %s", code, stdout)
	}
	t.Logf("\n%s", stdout)
}

// buildMutant makes all mutations in one binary. No file of the repository is touched.
func buildMutant(t *testing.T) string {
	t.Helper()
	requireSources(t)
	dir, err := os.MkdirTemp("", "contract-") // the launcher runs as another user
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	texts, replace := map[string]string{}, map[string]string{}
	for _, m := range doctorMutations {
		text, ok := texts[m.file]
		if !ok {
			read, err := os.ReadFile(filepath.Join("../..", m.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(read)
		}
		if strings.Count(text, m.old) != 1 {
			t.Fatalf("%s has not exactly one %q: bring the mutation up to date", m.file, m.old)
		}
		texts[m.file] = strings.Replace(text, m.old, m.changed, 1)
	}
	for file, text := range texts {
		from, err := filepath.Abs(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		replace[from] = filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(replace[from], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list, mutant := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "codecell")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(list, overlay, 0o600)); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", list, "-trimpath", "-o", mutant, "codecell/cmd/codecell")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, out)
	}
	return mutant
}

// requireSources skips where this test's binary is all that there is.
func requireSources(t *testing.T) {
	t.Helper()
	_, err := os.Stat("../../go.mod")
	if _, missing := exec.LookPath("go"); missing != nil || err != nil {
		t.Skipf("want the sources and go, have %v, %v", err, missing)
	}
}
