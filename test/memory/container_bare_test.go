//go:build linux

package memory

import (
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The process is gone before the one that started it has noticed, and how it ended
// is known only then.
func TestExitErrorWaitsForTheEnd(t *testing.T) {
	t.Parallel()
	c := &Container{exited: make(chan struct{}), log: &tail{}}
	cmd := exec.Command("sh", "-c", "kill -9 $$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.launch(cmd, nil)
	if err := c.exitError(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("have %v", err)
	}
}

func TestBareCommand(t *testing.T) {
	t.Parallel()
	b := Bare{Binary: "/b/codecell", Profile: "/p.yaml", Cgroup: "c", MemoryMiB: 704, Slots: "1"}
	cmd := b.command(t.Context(), 7, "doctor", "--json")
	line := strings.Join(cmd.Args, " ")
	for _, want := range []string{
		"unshare --mount --cgroup -- ", "--reuid=65532", "--regid=65532", "--clear-groups",
		"--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("no %q in %q", want, line)
		}
	}
	if !strings.HasSuffix(line, " -- /b/codecell doctor --json") {
		t.Errorf("the command is not last: %q", line)
	}
	for _, want := range []string{"SANDBOX_PROFILE=/p.yaml", "SANDBOX_MAX_CONCURRENCY=1", "LOCAL_ONLY=true", "PORT=0"} {
		if !slices.Contains(cmd.Env, want) {
			t.Errorf("no %s in %q", want, cmd.Env)
		}
	}
	if !cmd.SysProcAttr.UseCgroupFD || cmd.SysProcAttr.CgroupFD != 7 {
		t.Error("it is not started in its cgroup")
	}
}
