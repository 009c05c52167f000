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
	// packagesImage has what the profile data-science imports: half a minute of apt's, once,
	// and only for who asks for that configuration.
	packagesImage = "localhost/codecell:prove-packages"
)

// packages are Debian's for the profile data-science.
const packages = "python3-numpy python3-pandas python3-scipy python3-matplotlib"

// seccomp is containerd's default profile; seccompprofile generates it.
//
//go:embed containerd.json
var seccomp []byte

// requireTools names everything that is missing at once.
func requireTools() error { return product.Tools() }

// buildImages builds what these configurations need.
func buildImages(ctx context.Context, binary string, configurations []configuration) error {
	built := map[string]bool{}
	for _, c := range configurations {
		if tag := c.image(); !built[tag] {
			built[tag] = true
			if err := buildImage(ctx, binary, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// buildImage builds the project's own image, and from it tag: the same with this
// binary in it.
func buildImage(ctx context.Context, binary, tag string) error {
	o := product.Options{Name: "localhost/codecell:latest", Arch: runtime.GOARCH, Progress: progress}
	if tag == packagesImage {
		o.Name, o.Packages = "localhost/codecell:data-science", packages
	}
	if err := product.Build(ctx, o); err != nil {
		return err
	}
	progress("image %s with %s", tag, binary)
	return product.Replace(ctx, o.Name, binary, tag)
}

// minimal is the one profile whose policy refuses programs.
const minimal = "minimal"

// writeInputs writes what is given to the containers into dir: the seccomp profile, and
// the profiles, all with a policy that only observes. It returns the former's file.
func writeInputs(dir string) (seccompFile string, err error) {
	seccompFile = filepath.Join(dir, "containerd.json")
	// Any user must be able to read them: in the container it is not root.
	err = errors.Join(os.WriteFile(seccompFile, seccomp, 0o644), os.Chmod(dir, 0o755))
	if err != nil {
		return "", err
	}
	for _, c := range configurations {
		text, err := os.ReadFile("sandbox/profiles/" + c.profile + ".yaml")
		if err != nil {
			return "", err
		}
		const enforce, observe = "mode: enforce\n", "mode: observe\n"
		want := 0
		if c.profile == minimal {
			want = 2
		}
		if n := strings.Count(string(text), enforce); n != want {
			return "", fmt.Errorf("the profile %s has %d stages that enforce, want %d", c.profile, n, want)
		}
		if err := os.WriteFile(profileFile(dir, c.profile), []byte(strings.ReplaceAll(string(text), enforce, observe)), 0o644); err != nil {
			return "", err
		}
	}
	return seccompFile, nil
}

// profileFile is where writeInputs writes the profile of this name.
func profileFile(dir, name string) string { return filepath.Join(dir, name+".yaml") }
