//go:build linux

package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	product "codecell/test/e2e/image"
)

// The images are the machine's own: nothing is pulled, nothing pushed.
const (
	image       = "localhost/codecell:prove"
	mutantImage = "localhost/codecell:mutant"
)

// seccomp is containerd's default profile; seccompprofile generates it.
//
//go:embed containerd.json
var seccomp []byte

// requireTools names everything that is missing at once.
func requireTools() error { return product.Tools() }

// buildImage builds the project's own image, and from it tag: the same with this
// binary in it.
func buildImage(ctx context.Context, binary, tag string) error {
	o := product.Options{Name: "localhost/codecell:latest", Arch: runtime.GOARCH, Progress: progress}
	if err := product.Build(ctx, o); err != nil {
		return err
	}
	progress("image %s with %s", tag, binary)
	return product.Replace(ctx, o.Name, binary, tag)
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
