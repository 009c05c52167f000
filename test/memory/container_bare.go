//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"codecell/test/e2e/cell"
)

// Bare is a way to run the server without podman and an image: on a machine that has
// little more than a kernel, whose whole memory hierarchy is cgroup v2. util-linux
// makes the container: a cgroup with a namespace of its own, uid 65532, no capability,
// no_new_privs. The root of the file system is the machine's, to be mounted
// read-only; there is no seccomp profile but the server's.
type Bare struct {
	Binary    string // of codecell
	Profile   string // the file of the sandbox's profile, SANDBOX_PROFILE
	Cgroup    string // made below /sys/fs/cgroup, whose controllers are the caller's to enable
	MemoryMiB int
	Slots     string // SANDBOX_MAX_CONCURRENCY
}

// enter shows the container its own cgroup as the root of a mount, as in Kubernetes.
const enter = `umount /sys/fs/cgroup && mount -t cgroup2 -o ro,nosuid,nodev,noexec cgroup2 /sys/fs/cgroup && exec "$@"`

// command is codecell with these arguments in the container, whose cgroup is open
// at fd.
func (b Bare) command(ctx context.Context, fd int, args ...string) *exec.Cmd {
	line := append([]string{
		"--mount", "--cgroup", "--", "sh", "-ec", enter, "sh",
		"prlimit", "--nofile=4096:4096", "--nproc=2048:2048", "--",
		"setpriv", "--reuid=65532", "--regid=65532", "--clear-groups",
		"--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--",
		b.Binary,
	}, args...)
	cmd := exec.CommandContext(ctx, "unshare", line...)
	cmd.Env = []string{
		"PATH=/usr/sbin:/usr/bin",
		"SANDBOX_PROFILE=" + b.Profile,
		"SANDBOX_MAX_CONCURRENCY=" + b.Slots,
		"LOCAL_ONLY=true", "PORT=0",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, UseCgroupFD: true, CgroupFD: fd}
	return cmd
}

// group makes the cgroup: a limit, no swap, and one OOM kill takes all of it. The
// caller closes the file.
func (b Bare) group() (*os.File, error) {
	dir := b.dir()
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	for file, text := range map[string]string{
		"memory.max":       strconv.Itoa(b.MemoryMiB << 20),
		"memory.swap.max":  "0",
		"memory.oom.group": "1",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0); err != nil {
			return nil, err
		}
	}
	return os.Open(dir)
}

func (b Bare) dir() string { return filepath.Join("/sys/fs/cgroup", b.Cgroup) }

// end kills what is in the cgroup and removes it.
func (b Bare) end() error {
	err := os.WriteFile(filepath.Join(b.dir(), "cgroup.kill"), []byte("1"), 0)
	return errors.Join(err, removeCgroup(b.dir()))
}

// Doctor asks codecell what it makes of these options.
func (b Bare) Doctor(ctx context.Context) (claim Claim, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	group, err := b.group()
	if err != nil {
		return claim, err
	}
	defer func() { err = errors.Join(err, group.Close(), b.end()) }()
	return claimOf(b.command(ctx, int(group.Fd()), "doctor", "--json"))
}

// Start runs the server and returns when it listens. The error holds what it printed.
func (b Bare) Start(ctx context.Context) (_ *Container, err error) {
	group, err := b.group()
	if err != nil {
		return nil, err
	}
	defer group.Close()
	c := &Container{name: b.Cgroup, log: &tail{}, exited: make(chan struct{})}
	c.remove = func() { _ = b.end() } // an error means that it is gone
	url := make(chan string, 1)
	cmd := b.command(context.WithoutCancel(ctx), int(group.Fd()), "serve")
	c.launch(cmd, url)
	defer func() {
		if err != nil {
			c.Kill()
			err = fmt.Errorf("bare container: %w; it printed:\n%s", err, c.Log())
		}
	}()
	if err := c.await(ctx, url); err != nil {
		return nil, err
	}
	// Each program of the command line becomes the next: the process stays.
	if c.Server, err = cell.Process(cmd.Process.Pid); err != nil {
		return nil, err
	}
	c.group, err = cgroupOf(c.Server.PID)
	return c, err
}
