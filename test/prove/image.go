//go:build linux

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The images are the machine's own: nothing is pulled, nothing pushed.
const (
	baseImage = "localhost/codecell-base:" + suite
	image     = "localhost/codecell:prove"
	mutant    = "localhost/codecell:mutant"
)

// seccomp is containerd's default profile; seccompprofile generates it.
//
//go:embed containerd.json
var seccomp []byte

func podman(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "podman", append([]string{"--runtime", "runc", "--cgroup-manager", "cgroupfs"}, args...)...)
}

// buildImage builds the project's own image with this binary in it, as tag.
func buildImage(ctx context.Context, binary, tag string) error {
	dir, err := root(ctx)
	if err != nil {
		return err
	}
	if err := importBase(ctx, dir, baseImage); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "codecell-prove-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := os.Mkdir(filepath.Join(scratch, "bin"), 0o755); err != nil {
		return err
	}
	for from, to := range map[string]string{binary: "bin/codecell", "Dockerfile": "Dockerfile", ".dockerignore": ".dockerignore"} {
		if err := copyFile(from, filepath.Join(scratch, to)); err != nil {
			return fmt.Errorf("%w (run this in the repository's root, after make build)", err)
		}
	}
	progress("image %s with %s", tag, binary)
	out, err := podman(ctx, "build", "--quiet", "--pull=never", "--build-arg=BASE="+baseImage, "--tag="+tag, scratch).CombinedOutput()
	if err != nil {
		return fmt.Errorf("podman build: %w\n%s", err, out)
	}
	return nil
}

// writeInputs writes what is given to every container into dir: the seccomp
// profile, and the profile minimal with a policy that only observes.
func writeInputs(dir string) (seccompFile, profileFile string, err error) {
	seccompFile, profileFile = filepath.Join(dir, "containerd.json"), filepath.Join(dir, "observe.yaml")
	text, err := os.ReadFile("sandbox/profiles/minimal.yaml")
	if err != nil {
		return "", "", err
	}
	const enforce, observe = "mode: enforce\n", "mode: observe\n"
	if n := strings.Count(string(text), enforce); n != 2 {
		return "", "", fmt.Errorf("the profile minimal has %d stages that enforce, want 2", n)
	}
	// Any user must be able to read them: in the container it is not root.
	err = errors.Join(
		os.WriteFile(seccompFile, seccomp, 0o644),
		os.WriteFile(profileFile, []byte(strings.ReplaceAll(string(text), enforce, observe)), 0o644),
		os.Chmod(dir, 0o755))
	return seccompFile, profileFile, err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
