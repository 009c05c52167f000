//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A mutant is the product without one of its layers, which has no switch and must
// have none. Its edits are laid over the source when it is built: no file of the
// repository is touched. test/prove breaks the product in the same way.
type mutant struct {
	layer string
	edits []edit
}

// An edit replaces old, which stands exactly once in the file, by new.
type edit struct{ file, old, new string }

// mutants leave the layer out where it would be entered, so that nothing else is
// different. (test/e2e/hide makes the machine look as if it had no such layer, by a
// system call filter, which has a price of its own.)
var mutants = []mutant{
	{"Landlock", []edit{{"sandbox/plan_linux.go", "	p.landlockABI = abi\n", "	p.landlockABI = 0 * abi\n"}}},
	{"namespaces", []edit{{"sandbox/plan_linux.go", "namespaces: everyNamespace,", "namespaces: 0 * everyNamespace,"}}},
	{"a run's own seccomp filter", []edit{{"sandbox/zygote/jail.py", "        self.filter.install(number[\"seccomp\"])\n", ""}}},
	{"the memory line", []edit{{"sandbox/run_linux.go", "	defer line.add(f.run)()\n", "	_ = line\n"}}},
}

// build compiles the product without the layer, into dir.
func (m mutant) build(ctx context.Context, dir string) (binary string, err error) {
	replace := map[string]string{}
	name := strings.ReplaceAll(m.layer, " ", "-")
	for i, e := range m.edits {
		text, err := e.apply()
		if err != nil {
			return "", fmt.Errorf("without %s: %w", m.layer, err)
		}
		from, err := filepath.Abs(e.file)
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, fmt.Sprintf("%s-%d-%s", name, i, filepath.Base(e.file)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[from] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "codecell-"+name)
	// As the Makefile builds it.
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/codecell")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("without %s: go build: %w\n%s", m.layer, err, out)
	}
	return binary, nil
}

// apply returns the file's text with the edit made. Files are named from the
// repository's root, where the bench has to be started.
func (e edit) apply() (string, error) {
	text, err := os.ReadFile(e.file)
	if err != nil {
		return "", errors.Join(err, errors.New("the bench is started in the repository's root"))
	}
	if n := strings.Count(string(text), e.old); n != 1 {
		return "", fmt.Errorf("%s has %d times %q, want 1: the product has changed, so must the mutant", e.file, n, e.old)
	}
	return strings.Replace(string(text), e.old, e.new, 1), nil
}
