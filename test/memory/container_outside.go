//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// outsideTimeout bounds a program without a jail: some never end.
	outsideTimeout = 20 * time.Second
	// killedExit is podman's exit code for SIGKILL, which is the kernel's here.
	killedExit = 128 + 9
)

// Outside runs the program of an attack in the same container without codecell's
// jail: the bare interpreter, as uid 65532. It returns the peak of the charge in
// bytes, and whether the kernel killed it for that. It is the attack's positive
// control. o.Parent must be a cgroup of its own: the peak is read there, because
// the container's own cgroup goes with it.
func Outside(ctx context.Context, a Attack, o Options, python, name string) (peak int64, killed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, outsideTimeout)
	defer cancel()
	began, err := machineKills()
	if err != nil {
		return 0, false, err
	}
	more := []string{"--interactive", "--entrypoint=" + python}
	if o.WorkspaceMiB > 0 {
		more = append(more, "--workdir="+workspace) // as a run begins in its own
	}
	args := append(o.run(name, more...), "-I")
	if a.Needs != Packages {
		args = append(args, "-S")
	}
	cmd := podman(ctx, append(args, "-")...)
	cmd.Stdin = strings.NewReader(a.Program)
	cmd.Cancel = func() error {
		removing, cancel := context.WithTimeout(context.Background(), podmanTimeout)
		defer cancel()
		return podman(removing, "rm", "--force", "--time=0", name).Run()
	}
	// What it prints is nobody's; how it ends by itself neither.
	err = cmd.Run()
	var exit *exec.ExitError
	// One that ends just when its time is over has no exit code but that (exec.Cmd.Wait).
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, context.DeadlineExceeded) {
		return 0, false, err
	}
	if exit != nil && (exit.ExitCode() == 125 || exit.ExitCode() == 126 || exit.ExitCode() == 127) {
		return 0, false, fmt.Errorf("podman did not run it: %w", err)
	}
	ended, err := machineKills()
	if err != nil {
		return 0, false, err
	}
	killed = exit != nil && exit.ExitCode() == killedExit && ctx.Err() == nil && ended > began
	peak, err = parentPeak(o.Parent)
	return peak, killed, err
}

// parentPeak is the most that was charged below a cgroup of the machine's.
func parentPeak(parent string) (int64, error) {
	for _, c := range []cgroup{
		{dir: filepath.Join("/sys/fs/cgroup/memory", parent), v1: true},
		{dir: filepath.Join("/sys/fs/cgroup", parent)},
	} {
		if _, err := os.Stat(c.dir); err != nil {
			continue
		}
		if c.v1 {
			return c.peakCharge()
		}
		return c.number("memory.peak")
	}
	return 0, fmt.Errorf("no memory cgroup %s", parent)
}
