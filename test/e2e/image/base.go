//go:build linux

package image

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// suite is the Debian release of the image.
	suite = "trixie"
	// mirror is where its packages come from. They are signed: apt checks them.
	mirror = "http://deb.debian.org/debian"
)

// Base is the name of the image that the Dockerfile's BASE is here, for this
// architecture in Go's words: a minimal Debian, as debian:trixie-slim is one.
func Base(arch string) string { return "localhost/codecell-debian:" + suite + "-" + arch }

// debian makes Base(arch), unless it is there.
func debian(ctx context.Context, o Options) error {
	name := Base(o.Arch)
	if !o.Fresh && podman(ctx, "image", "exists", name).Run() == nil {
		return nil
	}
	o.Progress("%s of Debian's packages, half a minute", name)
	dir, err := os.MkdirTemp("", "codecell-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tar := filepath.Join(dir, "root.tar")
	root := exec.CommandContext(ctx, "mmdebstrap", "--mode=root", "--variant=minbase", "--architectures="+o.Arch,
		`--aptopt=Acquire::Languages "none"`, suite, tar, mirror)
	root.Dir = dir // apt's own user looks at it
	// What is mounted meanwhile is mounted in a namespace of its own, and gone
	// with it however that ends.
	root.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	root.Cancel = func() error { return root.Process.Signal(syscall.SIGTERM) }
	root.WaitDelay = time.Minute
	if err := do(root); err != nil {
		return err
	}
	arguments := []string{"import", "--quiet", "--os=linux", "--arch=" + o.Arch}
	if o.Arch == "arm64" {
		arguments = append(arguments, "--variant=v8") // or podman does not find it again
	}
	return do(podman(ctx, append(arguments, tar, name)...))
}

// compiler is the name of the image that the Dockerfile's BUILD is here.
const compiler = "localhost/codecell-go:" + suite

// golang makes the compiler's image: a Debian, and names for three folders of this
// machine that are mounted where every Debian has an empty one. The arguments
// mount them.
func golang(ctx context.Context, o Options, env goEnv) (arguments []string, err error) {
	native := o
	native.Arch = env.GOHOSTARCH
	if err := debian(ctx, native); err != nil {
		return nil, err
	}
	build := podman(ctx, "build", "--quiet", "--pull=never", "--tag="+compiler, "-")
	build.Stdin = strings.NewReader("FROM " + Base(env.GOHOSTARCH) +
		"\nENV PATH=/mnt/bin:/usr/bin GOMODCACHE=/media GOCACHE=/srv GOPROXY=off GOTOOLCHAIN=local\n")
	if err := do(build); err != nil {
		return nil, err
	}
	// Fetches what GOPROXY=off then finds.
	list := exec.CommandContext(ctx, "go", "list", "-deps", "./cmd/codecell")
	list.Dir = env.root()
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+o.Arch)
	if err := do(list); err != nil {
		return nil, err
	}
	return []string{
		"--volume=" + env.GOROOT + ":/mnt:ro",
		"--volume=" + env.GOMODCACHE + ":/media:ro",
		"--volume=" + env.GOCACHE + ":/srv",
	}, nil
}

// goEnv is what the go command says of itself and of the module.
type goEnv struct {
	GOMOD, GOROOT, GOMODCACHE, GOCACHE, GOHOSTARCH string
}

func readGoEnv(ctx context.Context) (env goEnv, err error) {
	out, err := ask(exec.CommandContext(ctx, "go", "env", "-json", "GOMOD", "GOROOT", "GOMODCACHE", "GOCACHE", "GOHOSTARCH"))
	if err != nil {
		return env, err
	}
	if err := json.Unmarshal([]byte(out), &env); err != nil {
		return env, fmt.Errorf("go env: %w", err)
	}
	if filepath.Base(env.GOMOD) != "go.mod" {
		return env, fmt.Errorf("this is not inside the repository: go env GOMOD says %q", env.GOMOD)
	}
	return env, nil
}

// root is the repository's folder.
func (e goEnv) root() string { return filepath.Dir(e.GOMOD) }
