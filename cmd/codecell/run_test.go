package main

import (
	"errors"
	"fmt"
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

// What a program leaves is written into the folder and nowhere else, and nothing there is
// overwritten.
func TestKeepFiles(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := filepath.Join(outside, "into")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "there"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	var said strings.Builder
	err = keepFiles(root, []sandbox.OutputFile{
		{Name: "a/b.txt", Size: 1, Data: []byte("b")},
		{Name: "there", Data: []byte("theirs")},
		{Name: "link/out", Data: []byte("out")},
		{Name: "../up", Data: []byte("up")},
		{Name: "big", Omitted: sandbox.OmittedSize},
	}, &said)
	for _, name := range []string{"there", "link/out", "../up", "big: left out, as more than 2097152 bytes in all are"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: want %s", err, name)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "there")); string(text) != "mine" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a", "b.txt")); string(text) != "b" || said.String() != fmt.Sprintf("codecell: wrote %s/a/b.txt, 1 bytes\n", dir) {
		t.Errorf("%q, %v; said %q", text, err, said.String())
	}
	if entries, err := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestReadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	small, big := filepath.Join(dir, "small.csv"), filepath.Join(dir, "big")
	for path, size := range map[string]int{small: 3, big: function.MaxBody} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := readFiles([]string{small})
	if err != nil || len(files) != 1 || files[0].Name != "small.csv" || len(files[0].Data) != 3 {
		t.Errorf("%v, %v", files, err)
	}
	if _, err := readFiles([]string{small, big}); err == nil || !strings.Contains(err.Error(), "at most 1048576 bytes in all") {
		t.Errorf("too much: %v", err)
	}
}
