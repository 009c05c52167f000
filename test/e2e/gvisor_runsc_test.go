//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// runscModule is the gVisor that the tests start. Debian's packages of it (2022 in
// bookworm, 2024 in trixie) lack pidfd_open, which the server needs.
const runscModule = "gvisor.dev/gvisor/runsc@v0.0.0-20260905035102-160fafc42237"

// runscTimeout bounds how long it may take to build: 45 s where this was written.
const runscTimeout = 10 * time.Minute

// requireRunsc returns gVisor's runsc, once it has started a program here. It is
// built once, and kept in the user's cache directory: codecell/runsc-VERSION. With
// -short nothing so large is built, and the test skipped where it is not there yet,
// unless it is required.
func requireRunsc(t *testing.T) string {
	t.Helper()
	requireRoot(t)
	requireCommand(t, "go")
	path, err := cachedRunsc()
	require(t, "runsc", "gVisor, built from "+runscModule, err)
	return path
}

var cachedRunsc = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	_, version, _ := strings.Cut(runscModule, "@")
	dir := filepath.Join(cache, "codecell", "runsc-"+version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", os.NewSyscallError("flock", err)
	}
	path := filepath.Join(dir, "runsc")
	if _, err := os.Stat(path); err != nil {
		if testing.Short() && !required("runsc") {
			return "", fmt.Errorf("-short, and %w", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), runscTimeout)
		defer cancel()
		install := exec.CommandContext(ctx, "go", "install", runscModule) // puts the file there whole
		install.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0")
		if out, err := install.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%v: %w: %.1000s", install.Args, err, out)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	argv := gVisor(path, "uname", "-r")
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "gvisor") {
		return "", fmt.Errorf("%v: %w: %s", argv, err, out)
	}
	return path, nil
})

// gVisor is a command in a gVisor of its own: on this machine's files, of which it
// changes only its own copy, with no network but a loopback interface. The platform
// systrap needs no /dev/kvm. It stays in the cgroup that it is started in: by itself
// it would go to one that it makes at the top, where no limit of ours holds for it.
func gVisor(runsc string, argv ...string) []string {
	return append([]string{runsc, "--platform=systrap", "--network=none", "--ignore-cgroups", "do"}, argv...)
}
