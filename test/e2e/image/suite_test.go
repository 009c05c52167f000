//go:build e2e && linux

package image

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tested is the name of the image that the tests build, which nobody else uses.
const tested = "localhost/codecell:tested"

// buildTimeout bounds one build: a base of Debian packages, Python's, a compiler's
// run. It took a minute where this was written, and ten for another architecture,
// whose programs are emulated, on a busy machine.
const buildTimeout = 20 * time.Minute

// require skips the test when have is not nil, which says what is there instead
// of what is wanted. CODECELL_E2E_REQUIRE makes that a failure.
func require(t *testing.T, name, want string, have error) {
	t.Helper()
	if have == nil {
		return
	}
	required := strings.Split(os.Getenv("CODECELL_E2E_REQUIRE"), ",")
	if slices.Contains(required, name) || slices.Contains(required, "all") {
		t.Fatalf("%s: want %s, have: %v", name, want, have)
	}
	t.Skipf("%s: want %s, have: %v", name, want, have)
}

// requireImage returns the image's name, built once. With -short nothing is built.
func requireImage(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("image: want some minutes to build it, have -short")
	}
	require(t, "image", "what builds an image", Tools())
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return tested
}

var build = sync.OnceValue(func() error { return buildAs(Options{Name: tested, Arch: runtime.GOARCH}) })

func buildAs(o Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTimeout)
	defer cancel()
	o.Progress = func(string, ...any) {}
	return Build(ctx, o)
}

// requireForeign skips where the kernel does not run programs of this architecture.
func requireForeign(t *testing.T, arch string) {
	t.Helper()
	_, err := exec.LookPath("arch-test")
	if err == nil && exec.Command("arch-test", arch).Run() != nil {
		err = errors.New("arch-test says that it does not")
	}
	require(t, "foreign", "a kernel that runs programs of "+arch+" (Debian packages qemu-user-static, binfmt-support, arch-test)", err)
}

// mounted returns a folder with the image's files, for as long as the test lasts.
func mounted(t *testing.T, name string) string {
	t.Helper()
	dir, err := ask(podman(t.Context(), "image", "mount", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := do(podman(context.WithoutCancel(t.Context()), "image", "unmount", name)); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// inside runs a command in a container of the image, as its own user, without
// privileges and with a read-only root, and returns what it printed.
func inside(t *testing.T, name, command string, args ...string) (string, error) {
	t.Helper()
	run := podman(t.Context(), append([]string{
		"run", "--rm", "--pull=never", "--log-driver=none", "--network=host", "--cap-drop=all",
		"--security-opt=no-new-privileges", "--read-only", "--read-only-tmpfs=false",
		// podman would raise them as far as it may itself, and fail where it may not.
		"--ulimit=nofile=4096:4096", "--ulimit=nproc=2048:2048", "--entrypoint=" + command, name,
	}, args...)...)
	run.Dir = "/" // conmon leaves a file called oom where it stands
	return ask(run)
}
