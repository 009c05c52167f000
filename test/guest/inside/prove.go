//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"codecell/test/e2e/cell"
	"codecell/test/memory"
)

// lineAttack outgrows every limit but the memory line.
const lineAttack = "page_tables"

// server is the product as it is; mutant is the same without the memory line.
var (
	server = memory.Bare{Binary: "/mnt/codecell", Profile: "/mnt/observe.yaml", Cgroup: "container", MemoryMiB: 704, Slots: "1"}
	mutant = func() memory.Bare { b := server; b.Binary = "/mnt/mutant"; return b }()
)

// prove makes the attacks that match, each on a server of its own, and the control.
// The error says what was not as it must be; the table is printed in any case.
func prove(ctx context.Context, out io.Writer, match *regexp.Regexp) error {
	attacks, err := memory.Corpus()
	if err != nil {
		return err
	}
	claim, err := server.Doctor(ctx)
	if err != nil {
		return err
	}
	if err := describe(out, claim); err != nil {
		return err
	}
	table := cell.NewTable("attack", "kills", "of all", "peak/line/limit", "tcp", "rise/runs", "server", "s", "answers and ends", "verdict")
	var errs []error
	for _, a := range attacks {
		if match.MatchString(a.Name) {
			errs = append(errs, try(ctx, out, server, a, claim, table, held))
		}
	}
	for _, a := range attacks {
		if a.Name == lineAttack {
			a.Name += " without the line"
			errs = append(errs, try(ctx, out, mutant, a, claim, table, killedWhole))
		}
	}
	fmt.Fprintln(out)
	table.Print(out)
	fmt.Fprintln(out)
	return errors.Join(errs...)
}

// describe prints what the figures depend on.
func describe(out io.Writer, c memory.Claim) error {
	release, err := os.ReadFile("/proc/version")
	if err != nil {
		return err
	}
	b := c.Budget
	fmt.Fprintf(out, "%scodecell doctor: %d MiB, reserve %d (server %d), %d x %d for runs; Python %s\n",
		release, b.LimitMiB, b.ReserveMiB, c.ServerPart()>>20, b.Slots, b.RunMiB, c.Interpreter.Version)
	for _, l := range c.Isolation {
		fmt.Fprintf(out, "  %-16s %s  %s\n", l.Layer, l.State, l.Detail)
	}
	fmt.Fprintln(out)
	return nil
}

// try makes one attack and adds a row. The error is the judge's, or says that the
// attack could not be made.
func try(ctx context.Context, out io.Writer, b memory.Bare, a memory.Attack, claim memory.Claim, table *cell.Table, judge func(*memory.Measurement) (string, error)) error {
	fmt.Fprintf(out, "guest: %s ...\n", a.Name)
	c, err := b.Start(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	defer c.Kill()
	if got, want := c.Cgroup(), "cgroup v2, memory.oom.group"; !strings.HasPrefix(got, want) {
		return fmt.Errorf("%s: the server is in a %s, want %s", a.Name, got, want)
	}
	m, err := c.Measure(ctx, a, claim, 0)
	if err != nil {
		return fmt.Errorf("%s: %w; the server printed:\n%s", a.Name, err, c.Log())
	}
	verdict, err := judge(m)
	table.Row(m.Attack, m.Kills, m.GroupKills, fmt.Sprintf("%d/%d/%d", m.Peak>>20, m.MemoryLine>>20, m.Limit>>20), m.PeakTCP>>20,
		fmt.Sprintf("%d/%d", m.Rise()>>20, m.RunsMay>>20), fmt.Sprintf("%d/%d", m.ServerPeak>>20, m.ServerMay>>20),
		fmt.Sprintf("%.0f", m.Seconds), m.Story(), verdict)
	fmt.Fprintf(out, "guest: %s\n", m.Line())
	if err != nil {
		return fmt.Errorf("%s: %w; the server printed:\n%s", a.Name, err, c.Log())
	}
	return nil
}

// held is the judge of the product.
func held(m *memory.Measurement) (string, error) {
	if off := m.Off(); off != "" {
		return "OFF: " + off, errors.New(off)
	}
	return "held", nil
}

// killedWhole is the judge of a server without the memory line: one kill must have
// taken it and all its programs, or this is not the kernel that we claim it to be.
func killedWhole(m *memory.Measurement) (string, error) {
	gone := false
	for _, b := range m.Breaches {
		gone = gone || b.Of == memory.Server
	}
	if m.GroupKills == 1 && m.Kills > 1 && gone {
		return "killed whole, as it must be", nil
	}
	return "OFF: not killed whole", fmt.Errorf("want one kill of the whole group, the server in it; have %d of all, %d processes: %s", m.GroupKills, m.Kills, m.Off())
}
