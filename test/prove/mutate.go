//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"codecell/test/e2e/cell"
	"codecell/test/memory"
	"codecell/test/mutant"
)

// mutate builds one mutant after the other, makes its attack on it in the first
// configuration, and prints the matrix. It is an error if one is not noticed.
func (p *proof) mutate(ctx context.Context) error {
	p.mutant = true
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
	binary, err := mutant.Build(ctx, p.dir, m.name, m.edits)
	if err != nil {
		return nil, err
	}
	if err := buildImage(ctx, binary, mutantImage); err != nil {
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

// indexOf is where the attack of that name is, or -1.
func indexOf(attacks []memory.Attack, name string) int {
	for i, a := range attacks {
		if a.Name == name {
			return i
		}
	}
	return -1
}
