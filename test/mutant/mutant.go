// Package mutant builds codecell with something taken out of it, to show what that was
// there for (test/prove) or what it costs (test/bench). The edits are laid over the source
// when it is compiled: no file of the repository is touched.
package mutant

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

// An Edit puts one text in the place of another.
type Edit struct{ file, old, by string }

// Replace is the edit that puts by in the place of old, which stands exactly once in the
// file: a path from the repository's root, which has to be the current directory.
func Replace(file, old, by string) Edit { return Edit{file, old, by} }

// Build compiles codecell, as the Makefile does, with the edits made. The binary and what
// it takes to build it are put into dir, under names that begin with name.
func Build(ctx context.Context, dir, name string, edits []Edit) (binary string, err error) {
	files, err := Apply(edits)
	if err != nil {
		return "", err
	}
	name = strings.ReplaceAll(name, " ", "-")
	replace := make(map[string]string)
	for file, text := range files {
		from, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, name+"-"+strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[from] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace}) // go help build
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "codecell-"+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/codecell")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Apply returns the text of each file with its edits made. It is an error if one no longer
// fits the product.
func Apply(edits []Edit) (map[string]string, error) {
	files := make(map[string]string)
	var errs []error
	for _, e := range edits {
		text, ok := files[e.file]
		if !ok {
			read, err := os.ReadFile(e.file)
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		if n := strings.Count(text, e.old); n != 1 {
			errs = append(errs, fmt.Errorf("%s has %d times %q, want 1: the product has changed, so must the edit", e.file, n, e.old))
		}
		files[e.file] = strings.Replace(text, e.old, e.by, 1)
	}
	return files, errors.Join(errs...)
}
