//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"codecell/test/e2e/cell"
)

// A bench is one run of this command.
type bench struct {
	binary  string
	plan    plan
	pause   time.Duration // of a crowd's client, between two requests
	modules []string      // that the profile's programs find imported
	report  *report

	doing string // the stage, for progress
}

// A stage measures a part of the report, and prints it.
type stage struct {
	name    string
	measure func(context.Context, *bench) error
	tables  func(*report) []*cell.Table
}

var stages = []stage{
	{"start", measureStart, (*report).startTables},
	{"latency", measureLatency, (*report).latencyTables},
	{"paced", measurePaced, (*report).pacedTables},
	{"throughput", measureThroughput, (*report).throughputTables},
	{"refusals", measureRefusals, (*report).refusalTables},
	{"memory", measureMemory, (*report).memoryTables},
	{"steps", measureSteps, (*report).stepTables},
	{"layers", measureLayers, (*report).layerTables},
	{"packages", measurePackages, (*report).packageTables},
}

// choose returns the stages of these names, in their order; of none, all.
func choose(names string) ([]stage, error) {
	if names == "" {
		return stages, nil
	}
	wanted := strings.Split(names, ",")
	var chosen []stage
	for _, s := range stages {
		if at := slices.Index(wanted, s.name); at >= 0 {
			chosen = append(chosen, s)
			wanted = slices.Delete(wanted, at, at+1)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("no stage is called %q", wanted)
	}
	return chosen, nil
}

// measure does one stage after the other.
func (b *bench) measure(ctx context.Context, chosen []stage) error {
	b.doing = "codecell " + b.binary
	b.say("what it is")
	b.report.Machine = machine()
	if err := b.learn(ctx); err != nil {
		return err
	}
	for i, s := range chosen {
		b.doing = fmt.Sprintf("%s (%d of %d)", s.name, i+1, len(chosen))
		if err := s.measure(ctx, b); err != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("%s: %w", s.name, err))
		}
	}
	return nil
}

// learn asks the server what the limits have to be like: which Python, and what is
// imported in it.
func (b *bench) learn(ctx context.Context) (err error) {
	if b.report.Python, err = chosenPython(ctx, b.binary); err != nil {
		return err
	}
	s, err := cell.Start(ctx, cell.Options{Binary: b.binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	client := s.Client(10 * time.Second)
	defer client.Close()
	profile, err := client.Profile(ctx)
	if err != nil {
		return err
	}
	b.modules = profile.AllowedImports
	b.report.PythonVersion, b.report.Isolation = profile.Runtime.Version, profile.Isolation
	return nil
}

// address is the server's, without a scheme.
func address(s *cell.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// say tells whoever waits what is being done.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: %s: %s\n", b.doing, fmt.Sprintf(format, args...))
}

func (b *bench) round(n int) { b.say("round %d of %d", n+1, b.plan.rounds) }

func (b *bench) step(n, of int) { b.say("%d of %d", n+1, of) }
