//go:build linux

// Command bench measures what a run costs: the built server over HTTP, and in
// the same run, in turns with it, the limits that no design gets below: a bare fork
// of a warm interpreter, loops of such forks, the start of an interpreter, a trivial
// Go handler. Every figure is given as a ratio to its limit. It prints tables, and
// writes everything as JSON.
//
//	go run ./test/bench [-short] [-bin bin/codecell] [-json bin/bench.json] [-rounds 6] [-pause 20ms] [-only steps,layers]
//	go run ./test/bench -short -check docs/printed/bench.json
//
// The expectations at the end are for people: nothing fails for being slow, only for
// a wrong answer, or where something could not be measured. With -check it fails if a
// ratio is much worse than in an earlier run's JSON.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == trivialCommand {
		if err := serveTrivially(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: trivial server:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// wholeJSON has every figure: what -only measures does not go there.
const wholeJSON = "bin/bench.json"

func run(ctx context.Context) error {
	bin := flag.String("bin", "bin/codecell", "the `binary` to measure")
	to := flag.String("json", wholeJSON, "the `file` for the figures; empty: none")
	isShort := flag.Bool("short", false, "a minute instead of five: the same with fewer rounds and runs")
	rounds := flag.Int("rounds", 0, "how many `times` each measurement has its turn; 0: as -short says")
	pause := flag.Duration("pause", 20*time.Millisecond, "how long each of the crowd `waits` between a 429 and its next request")
	only := flag.String("only", "", "measure but these `stages`, with commas, and judge nothing")
	check := flag.String("check", "", "compare the ratios with those in this `file`, and fail if one is much worse")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected %q", flag.Args())
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	whole := len(chosen) == len(stages)
	if *check != "" && !whole {
		return errors.New("-check compares everything, so it goes without -only")
	}
	var baseline map[string]float64
	if *check != "" { // before minutes are spent
		if baseline, err = readRatios(*check); err != nil {
			return err
		}
	}
	b := &bench{plan: full, pause: *pause, report: &report{}}
	if *isShort {
		b.plan = short
	}
	if *rounds > 0 {
		b.plan.rounds = *rounds
	}
	if b.binary, err = filepath.Abs(*bin); err != nil {
		return err
	}
	if err := b.measure(ctx, chosen); err != nil {
		return err
	}
	r := b.report
	r.Short, r.Rounds = *isShort, b.plan.rounds
	if whole {
		r.Expectations, r.Ratios = r.expectations(), r.ratios()
	}
	r.print(os.Stdout, chosen)
	if *to != "" && (whole || *to != wholeJSON) {
		if err := r.write(*to); err != nil {
			return err
		}
	}
	if *check == "" {
		return nil
	}
	return printComparison(os.Stdout, compare(baseline, r.Ratios, worse))
}
