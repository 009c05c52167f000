//go:build linux

package main

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

// suite is the Debian release of the base image.
const suite = "trixie"

// mirror is where its packages come from; apt's own proxy settings are not used.
const mirror = "http://deb.debian.org/debian"

// needed are the commands that the proof starts, and the Debian packages that
// have them.
var needed = []struct{ command, pkg string }{
	{"podman", "podman"}, {"conmon", "conmon"}, {"runc", "runc"}, {"debootstrap", "debootstrap"}, {"tar", "tar"},
}

// requireTools names everything that is missing at once.
func requireTools() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can make the container and read the kernel's counters")
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

// root returns a folder with a minimal Debian and its python3, made once and
// kept. It is made beside its place and renamed, so that it is either whole or
// not there; whoever else makes one at the same time does the same.
func root(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	cache = filepath.Join(cache, "codecell")
	dir := filepath.Join(cache, suite)
	if _, err := os.Stat(filepath.Join(dir, "usr/bin/python3")); err == nil {
		progress("base: %s", dir)
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(cache, suite+"-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	progress("base: Debian %s with python3 into %s, a minute or two", suite, dir)
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include=python3", suite, fresh, mirror)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	// It unmounts what it has mounted in there, if it is asked to end.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("debootstrap: %w\n%s", err, out)
	}
	if err := os.Chmod(fresh, 0o755); err != nil {
		return "", err
	}
	err = os.Rename(fresh, dir)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		err = nil // somebody else was faster
	}
	return dir, err
}

// notInImage is what a container has no use for.
var notInImage = []string{
	"./dev/*", "./proc/*", "./sys/*", "./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc/*", "./usr/share/man/*",
}

// importBase makes an image of the folder, unless there is one already that was
// made of it.
func importBase(ctx context.Context, dir, image string) error {
	made, err := os.Stat(dir)
	if err != nil {
		return err
	}
	stamp := fmt.Sprint(made.ModTime().Unix())
	out, err := podman(ctx, "image", "inspect", "--format", "{{.Comment}}", image).Output()
	if err == nil && strings.TrimSpace(string(out)) == stamp {
		return nil
	}
	progress("image %s from %s", image, dir)
	args := []string{"--directory", dir, "--create"}
	for _, p := range notInImage {
		args = append(args, "--exclude="+p)
	}
	tar := exec.CommandContext(ctx, "tar", append(args, ".")...)
	load := podman(ctx, "import", "--quiet", "--message", stamp, "-", image)
	if load.Stdin, err = tar.StdoutPipe(); err != nil {
		return err
	}
	if err := tar.Start(); err != nil {
		return err
	}
	text, err := load.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("podman import: %w: %s", err, text)
	}
	return errors.Join(err, tar.Wait())
}
