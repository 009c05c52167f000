//go:build linux

package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// needed are the commands that Build starts, and the Debian packages that have them.
var needed = []struct{ command, pkg string }{
	{"podman", "podman"}, {"conmon", "conmon"}, {"runc", "runc"}, {"mmdebstrap", "mmdebstrap"},
}

// Tools says what is missing to build an image here and to run it: nil, if nothing.
func Tools() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make the files of an image and a container's cgroup; this is uid " + strconv.Itoa(os.Geteuid()))
	}
	var missing []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.command); err != nil {
			missing = append(missing, n.pkg)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("not everything is installed; on Debian: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	return nil
}

// podman is a command line. On a machine with hybrid cgroups crun refuses, and
// systemd may not be there to manage cgroups.
func podman(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "podman", append([]string{"--runtime", "runc", "--cgroup-manager", "cgroupfs"}, args...)...)
}

// do runs the command. The error has what it printed.
func do(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// ask runs the command and returns what it printed, without the space around it.
func ask(cmd *exec.Cmd) (string, error) {
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}
