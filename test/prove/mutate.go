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

	"codecell/test/e2e/cell"
	"codecell/test/memory"
)

// mutate builds one mutant after the other, makes its attack on it in the first
// configuration, and prints the matrix. It is an error if one is not noticed.
func (p *proof) mutate(ctx context.Context) error {
	p.image = mutant
	table := cell.NewTable("mutation", "without", "attack", "kills", "peak/limit MiB", "server MiB", "what the attack shows")
	unnoticed := 0
	for i, m := range mutations {
		at := indexOf(p.attacks, m.attack)
		if at < 0 {
			continue // not asked for
		}
		progress("mutation %d of %d: %s", i+1, len(mutations), m.name)
		seen, err := p.try(ctx, m, p.attacks[at])
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			progress("mutation %s: %v", m.name, err)
			table.Row(m.name, m.without, m.attack, "-", "-", "-", "NOT TRIED, see above")
			unnoticed++
			continue
		}
		shows := seen.Off()
		if !noticed(seen) {
			unnoticed++
			shows = "NOTHING " + shows
		}
		progress("%s", seen.Line())
		table.Row(m.name, m.without, m.attack, seen.Kills, fmt.Sprintf("%d/%d", seen.Peak>>20, seen.Limit>>20),
			fmt.Sprintf("%d/%d", seen.ServerPeak>>20, seen.ServerMay>>20), shows)
	}
	table.Print(os.Stdout)
	if unnoticed > 0 {
		return fmt.Errorf("%d mutations were not noticed: see the matrix", unnoticed)
	}
	return nil
}

// noticed reports whether the attack shows that something is missing. A late
// health check may be the machine's fault, and an attack that could not be made
// the attack's.
func noticed(m *memory.Measurement) bool {
	for _, b := range m.Breaches {
		if b.Of != memory.Livez && b.Of != memory.Made {
			return true
		}
	}
	return false
}

// try makes the attack on the mutant, in a container of its own.
func (p *proof) try(ctx context.Context, m mutation, a memory.Attack) (*memory.Measurement, error) {
	binary, err := m.build(ctx, p.dir)
	if err != nil {
		return nil, err
	}
	if err := buildImage(ctx, binary, mutant); err != nil {
		return nil, err
	}
	conf := p.configurations[0]
	options := p.options(conf, p.name)
	claim, err := memory.Doctor(ctx, options, p.next())
	if err != nil && !errors.Is(err, memory.ErrNotHeld) { // doctor may notice it as well
		return nil, err
	}
	c, err := memory.Start(ctx, options, p.next())
	if err != nil {
		return nil, err
	}
	defer c.Kill()
	seen, err := c.Measure(ctx, a, claim, p.soakOf(a))
	if err != nil {
		return nil, fmt.Errorf("%w; the container printed:\n%s", err, c.Log())
	}
	seen.Configuration = conf.name
	return seen, nil
}

// build compiles the product with the edits laid over it: no file of the
// repository is touched.
func (m mutation) build(ctx context.Context, dir string) (binary string, err error) {
	replace := make(map[string]string)
	files, err := m.apply()
	if err != nil {
		return "", err
	}
	for file, text := range files {
		from, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, m.name+"-"+strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[from] = to
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, m.name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "codecell-"+m.name)
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", list, "-trimpath", "-ldflags", "-s -w", "-o", binary, "./cmd/codecell")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// apply returns the text of each file with its edits made.
func (m mutation) apply() (map[string]string, error) {
	files := make(map[string]string)
	var errs []error
	for _, e := range m.edits {
		text, ok := files[e.file]
		if !ok {
			read, err := os.ReadFile(e.file)
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		if n := strings.Count(text, e.old); n != 1 {
			errs = append(errs, fmt.Errorf("%s has %d times %q, want 1: the product has changed, so must the mutation", e.file, n, e.old))
		}
		files[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return files, errors.Join(errs...)
}

// indexOf is where the attack of that name is, or -1.
func indexOf(attacks []memory.Attack, name string) int {
	for i, a := range attacks {
		if a.Name == name {
			return i
		}
	}
	return -1
}
