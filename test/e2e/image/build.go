//go:build linux

package image

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Options say which image to build. Name, Arch and Progress are required.
type Options struct {
	Name     string // of the image, with its tag
	Arch     string // amd64 or arm64; for another than this machine's, its kernel must run such programs (binfmt_misc, qemu-user)
	Packages string // Debian packages beyond python3, with spaces
	Profile  string // whose packages are added too, those of deploy/image/PROFILE.txt
	Source   string // the address of the source, for the label; empty: unknown
	Fresh    bool   // make everything anew, with the newest packages
	Progress func(format string, args ...any)
}

// Build builds the image into podman's storage. Nothing is pulled.
func Build(ctx context.Context, o Options) error {
	env, err := readGoEnv(ctx)
	if err != nil {
		return err
	}
	if err := debian(ctx, o); err != nil {
		return err
	}
	arguments, err := golang(ctx, o, env)
	if err != nil {
		return err
	}
	o.Progress("%s for linux/%s", o.Name, o.Arch)
	arguments = append(arguments,
		"--platform=linux/"+o.Arch, "--pull=never", "--network=host", "--tag="+o.Name,
		// podman 4 does not set them.
		"--build-arg=BUILDPLATFORM=linux/"+env.GOHOSTARCH, "--build-arg=TARGETPLATFORM=linux/"+o.Arch,
		"--build-arg=BUILD="+compiler, "--build-arg=BASE="+Base(o.Arch), "--build-arg=PYTHON_PACKAGES="+o.Packages, "--build-arg=PROFILE="+o.Profile,
		"--build-arg=SOURCE="+cmp.Or(o.Source, "unknown"))
	if o.Fresh {
		arguments = append(arguments, "--no-cache")
	}
	arguments = append(arguments, revision(ctx, env.root())...)
	return do(podman(ctx, append(append([]string{"build"}, arguments...), env.root())...))
}

// revision are the arguments that say of which commit the image is, and that give
// all its files that commit's time. None in a folder without git.
func revision(ctx context.Context, root string) (arguments []string) {
	for _, q := range []struct{ argument, command string }{
		{"--build-arg=VERSION=", "describe --tags --always --dirty"},
		{"--build-arg=REVISION=", "rev-parse HEAD"},
		{"--timestamp=", "log -1 --format=%ct"},
	} {
		if answer, err := ask(exec.CommandContext(ctx, "git", append([]string{"-C", root}, strings.Fields(q.command)...)...)); err == nil {
			arguments = append(arguments, q.argument+answer)
		}
	}
	return arguments
}

// Replace makes of the image from another one, name, with this binary in it.
func Replace(ctx context.Context, from, binary, name string) error {
	dir, err := os.MkdirTemp("", "codecell-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	text, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "codecell"), text, 0o755); err != nil {
		return err
	}
	build := podman(ctx, "build", "--quiet", "--pull=never", "--tag="+name, "--file=-", dir)
	build.Stdin = strings.NewReader("FROM " + from + "\nCOPY --chmod=0755 codecell /usr/local/bin/codecell\n")
	return do(build)
}
