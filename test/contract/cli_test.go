//go:build linux

package contract

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// codecell prepares one of its commands at a terminal.
func codecell(t *testing.T, stdin string, args ...string) (cmd *exec.Cmd, stdout, stderr *syncBuffer) {
	t.Helper()
	if err := seeSources(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, serve.path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Stdin = strings.NewReader(stdin)
	stdout, stderr = &syncBuffer{}, &syncBuffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second
	return cmd, stdout, stderr
}

// exitCode runs cmd to its end.
func exitCode(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

func TestRunPassesThrough(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		program string
		flags   []string
		code    int
		stdout  string
		stderr  string // contained
	}{
		{"output", "print(6 * 7)", nil, 0, "42\n", ""},
		{"output without a cap", "print('x' * 200_000)", nil, 0, strings.Repeat("x", 200_000) + "\n", ""},
		{"exit code", "raise SystemExit(7)", nil, 7, "", ""},
		{"exception", "x = 1\nx / 0", nil, 1, "", "ZeroDivisionError: division by zero\n"},
		{"policy", "print(1)\nimport os\nimport sys", nil, 2, "", "Line 2: import of 'os' is not allowed (not in allowed imports)\nLine 3: "},
		{"syntax", "print(", nil, 2, "", "SyntaxError: "},
		{"timeout", "print('so far')\nwhile True: pass", []string{"--timeout=500ms"}, 124, "so far\n", "codecell: timed out after 500ms\n"},
		{"memory", "x = 'x' * (100 << 20)", []string{"--memory=96"}, 1, "", "MemoryError"},
		{"timeout out of bounds", "print(1)", []string{"--timeout=31s"}, 125, "", "--timeout=31s"},
		{"memory out of bounds", "print(1)", []string{"--memory=1"}, 125, "", "--memory=1"},
		{"not UTF-8", "print('\xff')", nil, 125, "", "UTF-8"},
		{"too long", "#" + strings.Repeat("x", maxBody), nil, 125, "", "1048576"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd, stdout, stderr := codecell(t, tt.program, slices.Concat([]string{"run"}, tt.flags, []string{"-"})...)
			if code := exitCode(t, cmd); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if got := stdout.String(); got != tt.stdout {
				t.Errorf("stdout is %d bytes %.100q, want %d bytes", len(got), got, len(tt.stdout))
			}
			if got := stderr.String(); !strings.Contains(got, tt.stderr) || tt.stderr == "" && got != "" {
				t.Errorf("stderr is %q, want %q in it", got, tt.stderr)
			}
		})
	}
}

func TestRunReadsAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "program.py")
	if err := os.WriteFile(file, []byte("print('from a file')"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd, stdout, _ := codecell(t, "", "run", file)
	if code := exitCode(t, cmd); code != 0 || stdout.String() != "from a file\n" {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	cmd, _, stderr := codecell(t, "", "run", file+".not")
	if code := exitCode(t, cmd); code != 125 || !strings.Contains(stderr.String(), file+".not") {
		t.Errorf("a missing file: exit code %d, stderr %q", code, stderr)
	}
}

// What stands behind the file is the program's, whatever it looks like, and so is what
// there is to read.
func TestRunPassesArgumentsAndInput(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "program.py")
	if err := os.WriteFile(file, []byte("import os, sys\nprint(sys.argv[1:], os.environ.get('NAME'), input())"), 0o600); err != nil {
		t.Fatal(err)
	}
	profile := observingWith(t, "env: [NAME]\n")
	args := []string{"--name=x", "-abc", "--timeout", "5s", "-h", "--", "-", "a,b", "é\n"}
	cmd, stdout, stderr := codecell(t, "a line\n", append([]string{"run", "-e", "NAME=a,b", "--timeout=20s", file}, args...)...)
	cmd.Env = append(cmd.Env, "SANDBOX_PROFILE="+profile)
	const want = "['--name=x', '-abc', '--timeout', '5s', '-h', '--', '-', 'a,b', 'é\\n'] a,b a line\n"
	if code := exitCode(t, cmd); code != 0 || stdout.String() != want {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	cmd, _, stderr = codecell(t, "", "run", "-e", "PATH=/", file)
	cmd.Env = append(cmd.Env, "SANDBOX_PROFILE="+profile)
	if code := exitCode(t, cmd); code != 125 || !strings.Contains(stderr.String(), "variable") {
		t.Errorf("a variable that is not allowed: exit code %d, stderr %q", code, stderr)
	}
}

// What a program is given to work with and what it leaves, and what it was refused.
func TestRunWithFiles(t *testing.T) {
	t.Parallel()
	requireFiles(t)
	dir := t.TempDir()
	program, data, into := filepath.Join(dir, "program.py"), filepath.Join(dir, "data.csv"), filepath.Join(dir, "into")
	const code = `
import socket
try: socket.socket()
except OSError as exc: print(exc.strerror)
open("copy.csv", "w").write(open("data.csv").read())
`
	for path, text := range map[string]string{program: code, data: "a,b\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, stdout, stderr string, args ...string) {
		t.Helper()
		cmd, said, complained := codecell(t, "", append([]string{"run"}, args...)...)
		cmd.Env = append(cmd.Env, "SANDBOX_PROFILE=standard")
		if code := exitCode(t, cmd); code != want || said.String() != stdout || !strings.Contains(complained.String(), stderr) {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q, want %d, %q, %q", args, code, said, complained, want, stdout, stderr)
		}
	}
	run(125, "", "--into", "--into="+into, program)
	if err := os.Mkdir(into, 0o700); err != nil {
		t.Fatal(err)
	}
	run(0, "Operation not permitted\n", "codecell: the kernel refused the program socket\ncodecell: wrote "+into+"/copy.csv, 4 bytes\n",
		"-f", data, "-o", "*.csv", "--into="+into, program)
	if text, err := os.ReadFile(filepath.Join(into, "copy.csv")); string(text) != "a,b\n" {
		t.Errorf("%q, %v", text, err)
	}
	run(125, "", `file "data.csv": another file has this name`, "-f", data, "-f", data, program)
	run(125, "", `pattern "/etc": want a relative path`, "-o", "/etc", program)
	run(125, "", `variable "NAME": want NAME=VALUE`, "-e", "NAME", program)
}

// Ctrl-C ends the program, and nothing of it is left.
func TestRunIsInterrupted(t *testing.T) {
	t.Parallel()
	cmd, stdout, stderr := codecell(t, "print('running')\nwhile True: pass", "run", "--timeout=30s", "-")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); stdout.String() != "running\n"; {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("the program does not run: %s", stderr)
		}
	}
	family, err := cell.Descendants(cmd.Process.Pid)
	if err != nil || len(family) < 2 {
		t.Errorf("the processes are %v, %v; want a zygote and a run", family, err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("still there")
	}
	if code := cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGINT) {
		t.Errorf("ended with %v, want exit code 130", cmd.ProcessState)
	}
	for _, p := range family {
		if p.Exists() {
			t.Errorf("process %v is left", p)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	cmd, stdout, _ := codecell(t, "", "version")
	if code := exitCode(t, cmd); code != 0 || !strings.HasPrefix(stdout.String(), "codecell ") || strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	cmd, stdout, _ := codecell(t, "", "--help")
	if code := exitCode(t, cmd); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, command := range []string{"serve", "run", "doctor", "version"} {
		if !strings.Contains(stdout.String(), command) {
			t.Errorf("the help does not name %s:\n%s", command, stdout)
		}
	}
	cmd, _, stderr := codecell(t, "", "swerve")
	if code := exitCode(t, cmd); code == 0 || !strings.Contains(stderr.String(), "swerve") {
		t.Errorf("an unknown command: exit code %d, stderr %q", code, stderr)
	}
}
