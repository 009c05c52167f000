// Package codecell_test proves what holds for the repository as a whole: that
// imports go one way, cmd -> function -> sandbox -> sandbox/internal/launch.
package codecell_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// goPackage is what `go list -json` says of one package on one platform.
type goPackage struct {
	ImportPath string
	Imports    []string // of its own files
	Deps       []string // of everything below it
}

// list returns this module's packages that match the patterns, as they are
// built for goos. Which files belong to a package depends on the platform, so
// a forbidden import can hide on one of them.
func list(t *testing.T, goos string, patterns ...string) []goPackage {
	t.Helper()
	args := append([]string{"list", "-json=ImportPath,Imports,Deps"}, patterns...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	var pkgs []goPackage
	for dec := json.NewDecoder(&stdout); ; {
		var pkg goPackage
		err := dec.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, pkg)
	}
	if len(pkgs) == 0 {
		t.Fatalf("go list %s: no packages: the rule would hold of nothing", strings.Join(patterns, " "))
	}
	return pkgs
}

// under reports whether path is one of the roots or stands below one.
func under(path string, roots []string) bool {
	for _, root := range roots {
		if path == root || strings.HasPrefix(path, root+"/") {
			return true
		}
	}
	return false
}

func TestImportsGoOneWay(t *testing.T) {
	t.Parallel()
	rules := []struct {
		pattern string
		goos    []string
		direct  []string // may not be imported by the package's own files
		below   []string // may not be anywhere below it either
	}{
		{
			pattern: "./cmd/...",
			goos:    []string{"linux", "darwin"},
			direct:  []string{"os/exec", "codecell/sandbox/internal"},
		},
		{
			// The sockets and the terminal of a main, in its *_linux.go files.
			pattern: "./cmd/...",
			goos:    []string{"darwin"},
			direct:  []string{"golang.org/x/sys"},
		},
		{
			pattern: "./function/...",
			goos:    []string{"linux", "darwin"},
			direct:  []string{"os/exec", "syscall", "golang.org/x/sys", "codecell/sandbox/internal"},
			below:   []string{"codecell/cmd", "codecell/test"},
		},
		{
			pattern: "./sandbox/...",
			goos:    []string{"linux", "darwin"},
			below:   []string{"net/http", "codecell/cmd", "codecell/function", "codecell/test"},
		},
		{
			pattern: "./sandbox/internal/launch/...",
			goos:    []string{"linux", "darwin"},
			direct:  []string{"os/exec"},
			below:   []string{"codecell/sandbox/zygote"},
		},
	}
	for _, rule := range rules {
		for _, goos := range rule.goos {
			t.Run(goos+"/"+rule.pattern, func(t *testing.T) {
				t.Parallel()
				for _, pkg := range list(t, goos, rule.pattern) {
					for _, path := range pkg.Imports {
						if under(path, rule.direct) {
							t.Errorf("%s imports %s", pkg.ImportPath, path)
						}
					}
					for _, path := range pkg.Deps {
						if under(path, rule.below) {
							t.Errorf("%s depends on %s", pkg.ImportPath, path)
						}
					}
				}
			})
		}
	}
}

// The launcher is a part of sandbox's folder, so "below codecell/sandbox" would
// name itself: what it may not need is the package of that very name.
func TestLaunchStandsBelowSandbox(t *testing.T) {
	t.Parallel()
	for _, pkg := range list(t, "linux", "./sandbox/internal/launch/...") {
		if slices.Contains(pkg.Deps, "codecell/sandbox") {
			t.Errorf("%s depends on codecell/sandbox", pkg.ImportPath)
		}
	}
}

// A rule that could not fail would prove nothing: sandbox breaks one made up here.
func TestDependencyIsSeen(t *testing.T) {
	t.Parallel()
	for _, pkg := range list(t, "linux", "./sandbox") {
		if !slices.ContainsFunc(pkg.Deps, func(path string) bool { return under(path, []string{"time"}) }) {
			t.Errorf("%s: time is not among its dependencies %q", pkg.ImportPath, pkg.Deps)
		}
	}
	if under("net/httptest", []string{"net/http"}) {
		t.Error("net/httptest is taken to stand under net/http")
	}
}
