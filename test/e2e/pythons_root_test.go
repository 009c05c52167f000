//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	trixieMirror = "http://deb.debian.org/debian" // signed: apt checks what it gets
	// trixieTimeout bounds how long the root may take to make. It took 20 s where
	// this was written, and 165 MB of disk.
	trixieTimeout = 5 * time.Minute
)

// trixie returns a folder with Debian trixie and its python3, the root of a
// machine to be (see test/e2e/hide). It is made once, and kept in the user's
// cache directory until somebody removes it: codecell/debian-trixie-python3.
func trixie(t *testing.T) string {
	t.Helper()
	requireRoot(t)
	dir, err := cachedTrixie()
	require(t, "trixie", "the files of Debian trixie, of which mmdebstrap makes a root in "+dir, err)
	return dir
}

// cachedTrixie also answers where the folder would be.
var cachedTrixie = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "codecell")
	dir := filepath.Join(cache, "debian-trixie-python3")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return dir, err
	}
	// One maker at a time, so that what an earlier one left half made can be told
	// from what another is making.
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return dir, err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return dir, os.NewSyscallError("flock", err)
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		half := dir + ".half-made"
		defer os.RemoveAll(half)
		if err := os.RemoveAll(half); err != nil {
			return dir, err
		}
		if err := makeTrixie(half); err != nil {
			return dir, err
		}
		if err := os.Rename(half, dir); err != nil {
			return dir, err
		}
	}
	// A machine that may not mount, or has no overlay file system, says so here.
	out, err := exec.Command(hide, "root="+dir, "--", "python3", "-I", "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Python 3.13.") {
		return dir, fmt.Errorf("in the root: %w: %s", err, out)
	}
	return dir, nil
})

// makeTrixie makes the folder. What mmdebstrap mounts in it is mounted in a
// namespace of its own, and gone with it however that ends.
func makeTrixie(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), trixieTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase", "--include=python3",
		"trixie", dir, trixieMirror)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w\n%s", cmd.Path, err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	return os.Chmod(dir, 0o755) // whatever the umask: other users' root as well
}
