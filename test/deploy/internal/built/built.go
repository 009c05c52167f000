// Package built finds or builds the binaries that the tests drive.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Codecell returns the path of the server's binary: what CODECELL_BIN names, or
// one that it builds in dir. Its launcher runs as another user where the server
// is root, so dir must be open to everybody.
func Codecell(dir string) (string, error) {
	if path := os.Getenv("CODECELL_BIN"); path != "" {
		return path, nil
	}
	return build(dir, "codecell", "../../..", "codecell/cmd/codecell")
}

// QueueProxy builds Knative's queue-proxy, of the version in go.mod, and returns
// its path. From nothing that is minutes; go's build cache makes it seconds.
func QueueProxy(dir string) (string, error) {
	return build(dir, "queue-proxy", "..", "knative.dev/serving/cmd/queue")
}

// build builds a package with the module in the folder from, two compilers at a
// time: it is what a small machine has.
func build(dir, name, from, pkg string) (string, error) {
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-C", from, "-p", "2", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return path, nil
}

// Dir returns a new folder that every user may enter, and what removes it.
func Dir() (string, func(), error) {
	dir, err := os.MkdirTemp("", "codecell-deploy-")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if err := os.Chmod(dir, 0o755); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}
