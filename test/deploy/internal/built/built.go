// Package built finds or builds the binaries that the tests drive.
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
	path := filepath.Join(dir, "codecell")
	return path, run(nil, "build", "-C", "../../..", "-trimpath", "-o", path, "codecell/cmd/codecell")
}

// QueueProxy builds Knative's queue-proxy of the version that go.mod has of
// knative.dev/serving, and returns its path. It is built as `go install` does,
// with its own go.mod and so with the libraries that Knative ships it with: with
// those of ours (Google's client wants a newer OpenTelemetry) it ends at once,
// with "conflicting Schema URL". From nothing that takes a minute or two; with
// go's build cache, seconds.
func QueueProxy(dir string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "knative.dev/serving").Output()
	if err != nil {
		return "", fmt.Errorf("the version of knative.dev/serving: %w", err)
	}
	path := filepath.Join(dir, "queue")
	version := strings.TrimSpace(string(out))
	return path, run([]string{"GOBIN=" + dir}, "install", "-p", "2", "-trimpath", "knative.dev/serving/cmd/queue@"+version)
}

// Collector builds the OpenTelemetry Collector of test/telemetry/otelcol, a
// module of its own, and returns its path.
func Collector(dir string) (string, error) {
	path := filepath.Join(dir, "otelcol")
	return path, run(nil, "build", "-C", "../../telemetry/otelcol", "-trimpath", "-o", path, ".")
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
