//go:build linux

package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// suite is the Debian release on the disk, whatever kernel is booted.
	suite = "trixie"
	// mirror is where packages come from. They are signed: apt checks them.
	mirror = "http://deb.debian.org/debian"
	// diskSize is more than a minimal Debian takes; what is not used is not written.
	diskSize = "1G"
)

// MakeDisk returns the file of an ext4 with a minimal Debian and its python3. It is
// made once, beside its place in the folder cache, and kept.
func MakeDisk(ctx context.Context, cache string) (string, error) {
	disk := filepath.Join(cache, "guest-"+suite+".ext4")
	if _, err := os.Stat(disk); !errors.Is(err, fs.ErrNotExist) {
		return disk, err
	}
	work, err := os.MkdirTemp(cache, "guest-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	root, file := filepath.Join(work, "root"), filepath.Join(work, "ext4")
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	debian := exec.CommandContext(ctx, "mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase",
		"--architectures=amd64", "--include=python3", suite, root, mirror)
	debian.Dir = work
	// What is mounted meanwhile is mounted in a namespace of its own, and gone with it
	// however that ends.
	debian.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	debian.Cancel = func() error { return debian.Process.Signal(syscall.SIGTERM) }
	debian.WaitDelay = time.Minute
	if err := do(debian); err != nil {
		return "", err
	}
	// It is never written to, so that it needs no journal.
	if err := do(exec.CommandContext(ctx, "mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", "-d", root, file, diskSize)); err != nil {
		return "", err
	}
	return disk, os.Rename(file, disk)
}

// do runs the command. The error has what it printed.
func do(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
