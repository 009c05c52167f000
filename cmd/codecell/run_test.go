package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codecell/function"
	"codecell/sandbox"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	limits := sandbox.Limits{Timeout: 1500 * time.Millisecond, Memory: 96}
	tests := []struct {
		name   string
		result sandbox.Result
		code   int
		stderr string
	}{
		{"ok", sandbox.Result{Outcome: sandbox.OutcomeOK}, 0, ""},
		{"failed", sandbox.Result{Outcome: sandbox.OutcomeFailed, ExitCode: 3}, 3, ""},
		{"uncaught MemoryError", sandbox.Result{Outcome: sandbox.OutcomeMemoryLimit, ExitCode: 1}, 1, ""},
		{"deadline", sandbox.Result{Outcome: sandbox.OutcomeTimeout, ExitCode: -9, TimedOut: true}, 124, "codecell: timed out after 1.5s\n"},
		{"CPU time", sandbox.Result{Outcome: sandbox.OutcomeTimeout, ExitCode: -24}, 152, "codecell: ended by signal 24\n"},
		{"memory line", sandbox.Result{Outcome: sandbox.OutcomeMemoryLimit, ExitCode: -9}, 137, "codecell: out of memory (96 MiB): ended by signal 9\n"},
		{"crashed", sandbox.Result{Outcome: sandbox.OutcomeCrashed, ExitCode: -11}, 139, "codecell: ended by signal 11\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if code, last := farewell(verdict(tt.result, limits)); code != tt.code || last != tt.stderr {
				t.Errorf("exit code %d and %q, want %d and %q", code, last, tt.code, tt.stderr)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	profile := &sandbox.Profile{Name: "p", Limits: sandbox.ProfileLimits{LeastMemory: 64, Memory: 512, MaxTimeout: 30 * time.Second, DefaultTimeout: 10 * time.Second}}
	tests := []struct {
		name string
		cmd  runCmd
		want sandbox.Limits // zero: refused
	}{
		{"defaults", runCmd{}, sandbox.Limits{Timeout: 10 * time.Second, Memory: 512}},
		{"given", runCmd{Timeout: time.Second, Memory: 64}, sandbox.Limits{Timeout: time.Second, Memory: 64}},
		{"the bounds", runCmd{Timeout: 30 * time.Second, Memory: 512}, sandbox.Limits{Timeout: 30 * time.Second, Memory: 512}},
		{"negative time", runCmd{Timeout: -1}, sandbox.Limits{}},
		{"too much time", runCmd{Timeout: 30*time.Second + 1}, sandbox.Limits{}},
		{"too little memory", runCmd{Memory: 63}, sandbox.Limits{}},
		{"too much memory", runCmd{Memory: 513}, sandbox.Limits{}},
		{"negative memory", runCmd{Memory: -1}, sandbox.Limits{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.cmd.limits(profile)
			if got != tt.want || (err != nil) != (tt.want == sandbox.Limits{}) {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadSource(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "program.py")
	if err := os.WriteFile(file, []byte("# fichier é\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readSource(file, nil); err != nil || got != "# fichier é\n" {
		t.Errorf("a file: %q, %v", got, err)
	}
	if _, err := readSource(file+".not", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	most := strings.Repeat("#", function.MaxBody)
	if got, err := readSource("-", strings.NewReader(most)); err != nil || got != most {
		t.Errorf("the longest program: %d bytes, %v", len(got), err)
	}
	for name, bad := range map[string]string{"too long": most + "#", "not UTF-8": "\xff"} {
		if got, err := readSource("-", strings.NewReader(bad)); err == nil {
			t.Errorf("%s: %d bytes, no error", name, len(got))
		}
	}
}
