//go:build linux

package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Some of what a server does can only be tested in a process of its own: as
// another user, under a filter, or one that is killed. Such a child is this test
// binary again, running TestChild with the name of a task.
const (
	childTask = "CODECELL_TEST_CHILD"
	childLine = "child: " // begins the one line of JSON that a child says
)

// childTasks are what a child may be told to do.
var childTasks = map[string]func(t *testing.T){}

// TestChild is not a test: it is what startChild starts.
func TestChild(t *testing.T) {
	if task := childTasks[os.Getenv(childTask)]; task != nil {
		task(t)
	}
}

// say tells the parent what a child has found, and waits until it has looked.
func say(t *testing.T, what any) {
	t.Helper()
	tell(t, what)
	_, _ = io.Copy(io.Discard, os.Stdin) // its end is the word to go on
}

// tell tells the parent what a child has found.
func tell(t *testing.T, what any) {
	t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString(childLine + string(text) + "\n"); err != nil {
		t.Fatal(err)
	}
}

// A child is a process that does one task.
type child struct {
	cmd    *exec.Cmd
	goOn   io.WriteCloser
	lines  *bufio.Scanner
	said   strings.Builder // beside its line
	stderr bytes.Buffer    // whole once it was waited for
}

// volumeName is the environment variable that has the folder of a child's volume, if it is to
// have one.
const volumeName = "CODECELL_TEST_VOLUME"

// startChild starts the task in a copy of this binary (see publicSelf), with attr
// if the child is to be somebody else.
func startChild(t *testing.T, self, task string, attr *syscall.SysProcAttr) *child {
	t.Helper()
	c := &child{cmd: exec.CommandContext(t.Context(), self, "-test.run=^TestChild$", "-test.v", "-test.timeout=2m")}
	c.cmd.Env = []string{childTask + "=" + task, "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/", "GORACE=atexit_sleep_ms=0", volumeName + "=" + os.Getenv(volumeName)}
	c.cmd.Dir = "/"
	c.cmd.SysProcAttr = attr
	c.cmd.Stderr = &c.stderr
	c.cmd.WaitDelay = time.Second
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.goOn, c.lines = stdin, bufio.NewScanner(stdout)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = c.cmd.Process.Kill() // it has ended, or the test has failed
		_ = c.cmd.Wait()
	})
	return c
}

// hear waits for the child's line.
func (c *child) hear(t *testing.T, what any) {
	t.Helper()
	for c.lines.Scan() {
		if text, ok := strings.CutPrefix(c.lines.Text(), childLine); ok {
			if err := json.Unmarshal([]byte(text), what); err != nil {
				t.Fatal(err)
			}
			return
		}
		c.said.WriteString(c.lines.Text() + "\n")
	}
	err := c.cmd.Wait()
	t.Fatalf("the child ended without a word: %v\n%s%s", err, c.said.String(), &c.stderr)
}

// finish lets the child go on to its end, which must be a good one.
func (c *child) finish(t *testing.T) {
	t.Helper()
	c.goOn.Close()
	for c.lines.Scan() {
		c.said.WriteString(c.lines.Text() + "\n")
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child failed: %v\n%s%s", err, c.said.String(), &c.stderr)
	}
}

// die kills the child as it stands.
func (c *child) die(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	if err := c.cmd.Wait(); !errors.As(err, &ended) {
		t.Fatalf("killed, it ended with %v", err)
	}
}

// publicSelf is a copy of this binary that any user may execute: go test puts
// its own where nobody else may look.
func publicSelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "codecell-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "server")
	// By another process: a descriptor open for writing that a concurrent fork
	// of ours had inherited would make the copy "text file busy".
	if out, err := exec.CommandContext(t.Context(), "cp", self, copied).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(copied, 0o755)); err != nil {
		t.Fatal(err)
	}
	return copied
}
