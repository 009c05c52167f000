//go:build linux

package sandbox

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	childTasks["hold"] = hold
	for _, what := range []string{"userns,sysadmin", "privileges,userns"} {
		childTasks["hold without "+what] = func(t *testing.T) { hide(t, what, "hold") }
	}
	childTasks["inherit"] = inherit
}

// hold keeps a run in flight.
func hold(t *testing.T) {
	s := start(t, small)
	endlessRun(t, s, longest)
	say(t, current(s).pid)
}

// A server that is killed takes its zygote and its runs with it: by their PID
// namespace where there is one, else by the parent-death signals alone.
func TestNothingOutlivesTheServer(t *testing.T) {
	t.Parallel()
	self := publicSelf(t)
	without := "hold without privileges,userns"
	if os.Geteuid() == 0 {
		without = "hold without userns,sysadmin"
	}
	for _, task := range []string{"hold", without} {
		t.Run(task, func(t *testing.T) {
			t.Parallel()
			server := startChild(t, self, task, nil)
			var zygote int
			server.hear(t, &zygote)
			wantGroup(t, zygote, 3, "a zygote, its run and a parked one")
			server.die(t)
			eventually(t, 10*time.Second, "zygote and run are gone", func() bool {
				// They may have become ours to reap: a sandbox makes its process a subreaper.
				for {
					if _, err := unix.Wait4(-zygote, nil, unix.WNOHANG, nil); err != nil {
						break
					} else if len(groupOf(t, zygote)) > 0 {
						return false
					}
				}
				return !slices.ContainsFunc(groupOf(t, zygote), func(p proc) bool { return p.state != 'Z' })
			})
		})
	}
}

func TestReapOrphans(t *testing.T) {
	t.Parallel()
	// In a process of its own: it takes every child that ends, os/exec's too.
	server := startChild(t, publicSelf(t), "inherit", nil)
	server.finish(t)
}

// inherit is a server that others leave their children to, as to PID 1.
func inherit(t *testing.T) {
	s := start(t, small)
	go ReapOrphans(t.Context())
	left := func() bool {
		z := current(s)
		return z != nil && slices.Equal(childrenOf(t, os.Getpid()), []int{z.pid})
	}
	for range 5 {
		// Children of its own, and grandchildren that outlive their parents.
		_, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "(exit 3) & sh -c '(exit 4) & (exit 5) & exit 6' & exit 7"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		mustRun(t, s, "print(42)")
	}
	eventually(t, 10*time.Second, "every stranger is reaped, the zygote is not", left)
	// A zygote and runs that end are their own reaper's, strangers or not.
	z := current(s)
	lost := endlessRun(t, s, longest)
	if _, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "exit 1"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(z.pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-lost; err == nil {
		t.Error("the run survived its zygote")
	}
	eventually(t, 20*time.Second, "another zygote, and nothing else", func() bool { return current(s) != z && left() })
	mustRun(t, s, "print(42)")
}
