//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"codecell/test/e2e/cell"
)

const (
	// startTimeout bounds the way from podman's start to the server's port.
	startTimeout = 60 * time.Second
	// stopTimeout is the server's own drain (8 s), and podman's part.
	stopTimeout = 20 * time.Second
	// podmanTimeout bounds a command that only asks or removes.
	podmanTimeout = 30 * time.Second
)

// Options are one way to run the image.
type Options struct {
	Image   string // of the local storage; nothing is pulled
	Seccomp string // the file of the seccomp profile
	Profile string // the file of the sandbox's profile, SANDBOX_PROFILE
	Has     Need   // what that gives its programs
	// WorkspaceMiB is the size of the volume for their workspaces: a tmpfs as a kubelet mounts
	// an emptyDir in memory. 0: there is none.
	WorkspaceMiB int
	Livez        string // the binary of command livez, which checks the server's health
	// Parent is the cgroup below which the containers are, "/name". Its owner
	// removes it, see RemoveParent.
	Parent    string
	MemoryMiB int
	Slots     string // SANDBOX_MAX_CONCURRENCY
	CPU       CPU
	Stall     Stall // this machine's, see MeasureStall; 0: nothing is allowed for it
	Queue     Queue // the same, see MeasureQueue
}

// CPU is what one CPU means.
type CPU string

const (
	// Quota is Kubernetes': 100 ms of every 100 ms, on as many cores as there
	// are. Who has used them up on two cores in 50 ms waits for the other 50.
	Quota CPU = "quota"
	// Core is Cloud Run's: one virtual CPU and no other.
	Core CPU = "core"
)

func (c CPU) flag() string {
	if c == Core {
		return "--cpuset-cpus=" + strconv.Itoa(containerCore)
	}
	return "--cpus=1"
}

// cpuShares is more than anybody else's 1024: a pod that asks for a CPU has it,
// whatever else the node does, and health checks are measured here.
const cpuShares = 64 << 10

// A Container is a server in a container of its own, run as Knative and Cloud Run
// do: no root, no capability, nothing writable, containerd's seccomp profile, no
// swap, one CPU. Its port is on the machine's loopback interface.
type Container struct {
	URL    string
	Server cell.Proc // by the machine's number

	name   string
	remove func() // kills all of its processes, whatever its state
	has    Need   // Options'
	fresh  int64  // bytes that it charged at rest before the first attack
	livez  string // Options'
	cpu    CPU    // Options'
	stall  Stall  // Options'
	queue  Queue  // Options'
	group  *cgroup
	log    *tail
	exited chan struct{} // closed when podman has ended, and the container with it
	err    error         // podman's; read it after exited
}

// podman is a command line. On a machine with hybrid cgroups crun refuses, and
// systemd may not be there to manage cgroups.
func podman(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "podman", append([]string{"--runtime", "runc", "--cgroup-manager", "cgroupfs"}, args...)...)
	cmd.Dir = os.TempDir() // conmon leaves a file called oom where it stands
	// A Ctrl-C at the terminal is ours to pass on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// run is podman's command line for a container of this name.
func (o Options) run(name string, more ...string) []string {
	args := []string{
		"run", "--rm", "--name", name, "--pull=never", "--log-driver=none", "--cgroup-parent", o.Parent,
		"--user=65532:65532", "--cap-drop=all", "--security-opt=no-new-privileges", "--security-opt=seccomp=" + o.Seccomp,
		"--read-only", "--read-only-tmpfs=false",
		fmt.Sprintf("--memory=%dm", o.MemoryMiB), fmt.Sprintf("--memory-swap=%dm", o.MemoryMiB), o.CPU.flag(),
		fmt.Sprintf("--cpu-shares=%d", cpuShares),
		// podman would raise them as far as it may itself, and fail where it may not.
		"--ulimit=nofile=4096:4096", "--ulimit=nproc=2048:2048",
		"--network=host", // with LOCAL_ONLY: the loopback interface, no firewall touched
		"--volume=" + o.Profile + ":/etc/codecell/prove.yaml:ro",
		"--env=SANDBOX_PROFILE=/etc/codecell/prove.yaml",
		"--env=SANDBOX_MAX_CONCURRENCY=" + o.Slots,
		"--env=LOCAL_ONLY=true", "--env=PORT=0",
	}
	if o.WorkspaceMiB > 0 {
		// Its size is the pages'. How many files there may be nobody says, and a kubelet neither:
		// half as many as the machine has pages.
		args = append(args, "--env=SANDBOX_WORKSPACE="+workspace,
			fmt.Sprintf("--mount=type=tmpfs,destination=%s,tmpfs-size=%dm,tmpfs-mode=1777", workspace, o.WorkspaceMiB))
	}
	return append(append(args, more...), o.Image)
}

// workspace is where the volume is mounted.
const workspace = "/workspace"

// Start runs the server and returns when it listens and its memory is counted.
// The error holds what the container printed.
func Start(ctx context.Context, o Options, name string) (_ *Container, err error) {
	c := &Container{name: name, has: o.Has, livez: o.Livez, cpu: o.CPU, stall: o.Stall, queue: o.Queue, log: &tail{}, exited: make(chan struct{})}
	url := make(chan string, 1)
	c.remove = func() {
		ctx, cancel := context.WithTimeout(context.Background(), podmanTimeout)
		defer cancel()
		_ = podman(ctx, "rm", "--force", "--time=0", c.name).Run() // an error means that it is gone
	}
	c.launch(podman(context.WithoutCancel(ctx), o.run(name)...), url)
	defer func() {
		if err != nil {
			c.Kill()
			err = fmt.Errorf("container: %w; it printed:\n%s", err, c.Log())
		}
	}()
	if err := c.await(ctx, url); err != nil {
		return nil, err
	}
	pid, err := c.pid(ctx)
	if err != nil {
		return nil, err
	}
	if c.Server, err = cell.Process(pid); err != nil {
		return nil, err
	}
	if c.group, err = cgroupOf(pid); err != nil {
		return nil, err
	}
	// Nobody has connected yet: sockets are counted from their accept(2) on.
	return c, errors.Join(c.group.countTCP(int64(o.MemoryMiB)<<20), c.group.killTogether())
}

// await waits until the server listens.
func (c *Container) await(ctx context.Context, url <-chan string) error {
	select {
	case c.URL = <-url:
		return nil
	case <-c.exited:
		return fmt.Errorf("it ended at once: %w", c.exitError())
	case <-time.After(startTimeout):
		return fmt.Errorf("no port after %v", startTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// launch starts podman and watches over it. If this process is killed, podman
// gets SIGTERM, which it passes on. The kernel sends that when the thread ends
// that started podman, so the thread is kept.
func (c *Container) launch(cmd *exec.Cmd, url chan<- string) {
	cmd.Stdout, cmd.Stderr = &urlFinder{to: url, next: c.log}, c.log
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		c.err = cmd.Run()
		close(c.exited)
	}()
}

// pid asks podman for the server's process.
func (c *Container) pid(ctx context.Context) (int, error) {
	out, err := podman(ctx, "inspect", "--format", "{{.State.Pid}}", c.name).Output()
	if err != nil {
		return 0, fmt.Errorf("podman inspect: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}

// Cgroup says what kind of cgroup counts the container's memory.
func (c *Container) Cgroup() string { return c.group.version() }

// Same says whether the server is the very process that was started.
func (c *Container) Same() bool {
	now, err := cell.Process(c.Server.PID)
	return err == nil && now.Start == c.Server.Start && now.State != 'Z'
}

// Exited is closed when the container has ended.
func (c *Container) Exited() <-chan struct{} { return c.exited }

// exitError describes the end; exit code 0 is one as well. The server's process may be
// gone a moment before podman is.
func (c *Container) exitError() error {
	select {
	case <-c.exited:
	case <-time.After(stopTimeout):
		return errors.New("podman has not noticed")
	}
	if c.err != nil {
		return c.err
	}
	return errors.New("exit status 0")
}

// Stop ends the server as a platform does, with SIGTERM. It returns nil when
// that, or its end before, was orderly: exit code 0.
func (c *Container) Stop() error {
	_ = syscall.Kill(c.Server.PID, syscall.SIGTERM) // an error means that it is gone
	select {
	case <-c.exited:
	case <-time.After(stopTimeout):
		c.Kill()
		return fmt.Errorf("still running %v after SIGTERM", stopTimeout)
	}
	c.close()
	if c.err != nil {
		return fmt.Errorf("the container ended with: %w", c.err)
	}
	return nil
}

// Kill removes the container, whatever its state, and waits for podman.
func (c *Container) Kill() {
	c.remove()
	<-c.exited
	c.close()
}

func (c *Container) close() {
	if c.group != nil {
		c.group.close()
		c.group = nil
	}
}

// Log is the end of what the container printed.
func (c *Container) Log() string { return c.log.String() }
