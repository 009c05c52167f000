//go:build linux

package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A run that was killed and that the kernel takes its time to take down is waited for:
// its zygote, which can't report its end before, is not hung, and loses nobody's run.
func TestSlowDeath(t *testing.T) {
	t.Parallel()
	freezer := requireFreezer(t)
	s := start(t, small)
	z := current(s)
	ended := make(chan Result, 1)
	const deadline = 3 * time.Second // by which it must be frozen
	go func() {
		res, err := s.Run(t.Context(), Job{Code: "while True: pass", Limits: Limits{Timeout: deadline}})
		if err != nil {
			t.Errorf("Run: %v", err)
		}
		ended <- res
	}()
	// The one that is busy is the run; the other waits for its program.
	var pid int
	eventually(t, 10*time.Second, "the run is running", func() bool {
		for _, p := range groupOf(t, z.pid) {
			if p.pid != z.pid && p.state == 'R' {
				pid = p.pid
			}
		}
		return pid != 0
	})
	check(t, os.WriteFile(filepath.Join(freezer, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0))
	check(t, os.WriteFile(filepath.Join(freezer, "freezer.state"), []byte("FROZEN"), 0))
	select {
	case res := <-ended:
		t.Errorf("a frozen run has ended: %+v", res)
	case <-time.After(deadline + reapTimeout + time.Second): // its deadline, and when a hung zygote is killed
	}
	check(t, os.WriteFile(filepath.Join(freezer, "freezer.state"), []byte("THAWED"), 0))
	select {
	case res := <-ended:
		if res.Outcome != OutcomeTimeout {
			t.Errorf("%+v, want a timeout", res)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a thawed run has not ended")
	}
	if current(s) != z {
		t.Error("the zygote was replaced")
	}
	mustRun(t, s, "print(42)")
}

// requireFreezer returns a cgroup whose processes can be frozen, in which even SIGKILL
// waits (cgroup v1's freezer: in v2 it does not).
func requireFreezer(t *testing.T) string {
	t.Helper()
	requireRoot(t)
	const root = "/sys/fs/cgroup/freezer"
	if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
		t.Skipf("want a mounted freezer of cgroup v1, have none: %v", err)
	}
	dir, err := os.MkdirTemp(root, "codecell-test-")
	if errors.Is(err, unix.EROFS) {
		t.Skipf("want a freezer of cgroup v1 to write to: %v", err)
	}
	check(t, err)
	t.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(dir, "freezer.state"), []byte("THAWED"), 0)
		eventually(t, 10*time.Second, "the frozen run is gone", func() bool { return unix.Rmdir(dir) == nil })
	})
	return dir
}
