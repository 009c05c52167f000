// Package built finds or builds the binaries that the tests of the modules
// below test/ drive.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Codecell returns the path of the server's binary: what CODECELL_BIN names, or
// one that it builds in dir. Its launcher runs as another user where the server
// is root, so dir must be open to everybody.
func Codecell(dir string) (string, error) {
	if path := os.Getenv("CODECELL_BIN"); path != "" {
		return path, nil
	}
	root, err := ofModule("codecell", "{{.Dir}}")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "codecell")
	return path, run(nil, "build", "-C", root, "-trimpath", "-o", path, "./cmd/codecell")
}

// Collector builds the OpenTelemetry Collector of test/telemetry/otelcol, a
// module of its own, and returns its path. From nothing that takes a minute or
// two.
func Collector(dir string) (string, error) {
	root, err := ofModule("codecell", "{{.Dir}}")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "otelcol")
	return path, run(nil, "build", "-C", filepath.Join(root, "test", "telemetry", "otelcol"), "-trimpath", "-o", path, ".")
}

// QueueProxy builds Knative's queue-proxy of the version that the caller's go.mod
// has of knative.dev/serving, and returns its path. It is built as `go install`
// does, with its own go.mod and so with the libraries that Knative ships it with:
// with those of ours (Google's client wants a newer OpenTelemetry) it ends at
// once, with "conflicting Schema URL". From nothing that takes a minute or two;
// with go's build cache, seconds.
func QueueProxy(dir string) (string, error) {
	version, err := ofModule("knative.dev/serving", "{{.Version}}")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "queue")
	return path, run([]string{"GOBIN=" + dir}, "install", "-p", "2", "-trimpath", "knative.dev/serving/cmd/queue@"+version)
}

// ofModule returns what `go list -m` says of a module that the caller's needs.
func ofModule(name, format string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", format, name).Output()
	if err != nil {
		return "", fmt.Errorf("go list -m %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// run runs the go command and builds a static binary.
func run(env []string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// Dir returns a new folder that every user may enter, and what removes it.
func Dir() (string, func(), error) {
	dir, err := os.MkdirTemp("", "codecell-built-")
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
