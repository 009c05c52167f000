//go:build linux

// Command bench measures what a run costs: the built server over HTTP, and in
// the same run what it is compared with: a bare fork of a warm interpreter and
// the start of a cold one. It prints a table, and writes every figure as JSON.
//
//	go run ./test/bench [-bin bin/codecell] [-json bin/bench.json] [-rounds 5]
//
// The measurements take turns over several rounds, so that a disturbance of the
// machine hits all of them. The column "expected" is for people: nothing here
// fails for being slow.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	bin := flag.String("bin", "bin/codecell", "the `binary` to measure")
	to := flag.String("json", "bin/bench.json", "the `file` for the figures; empty: none")
	rounds := flag.Int("rounds", 5, "how many `times` each measurement has its turn")
	flag.Parse()
	binary, err := filepath.Abs(*bin)
	if err != nil {
		return err
	}
	progress("codecell %s", binary)
	r := &report{Machine: machine(), Rounds: *rounds}
	r.Python, err = chosenPython(ctx, binary)
	if err != nil {
		return err
	}
	if err := measureStart(ctx, r, binary); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if err := measureLatency(ctx, r, binary); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	if err := measureThroughput(ctx, r, binary); err != nil {
		return fmt.Errorf("throughput: %w", err)
	}
	r.print(os.Stdout)
	if *to == "" {
		return nil
	}
	return r.write(*to)
}

// progress tells whoever waits what is being done.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
