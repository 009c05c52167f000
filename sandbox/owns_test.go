//go:build linux

package sandbox

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSignalOnlyOwnRuns: without a PID namespace a zygote in the wrong hands could
// pass the server any process to kill, the server itself above all.
func TestSignalOnlyOwnRuns(t *testing.T) {
	t.Parallel()
	leader := sleeper(t, 0)
	member := sleeper(t, leader)
	stranger := sleeper(t, 0)
	z := &zygote{pid: leader}
	for _, c := range []struct {
		name string
		pid  int
		own  bool
	}{
		{"a run, in the zygote's group", member, true},
		{"the zygote itself", leader, false},
		{"somebody else's process", stranger, false},
		{"the server", os.Getpid(), false},
		{"the server's parent", os.Getppid(), false},
	} {
		fd, err := unix.PidfdOpen(c.pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		if pid, own := z.owns(fd, c.pid); own != c.own || own && pid != c.pid {
			t.Errorf("%s: pid %d, own %t", c.name, pid, own)
		}
		unix.Close(fd)
	}
	if _, own := z.owns(0, member); own {
		t.Error("a descriptor that is no pidfd")
	}
}

// sleeper starts a process in the group of leader, or as the leader of its own.
func sleeper(t *testing.T, leader int) (pid int) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: leader}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	return cmd.Process.Pid
}
