//go:build linux

package memory

import (
	"slices"
	"strings"
	"testing"
)

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
