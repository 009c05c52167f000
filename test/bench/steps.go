//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"codecell/test/e2e/cell"
)

// stepNames are the spans of a request (function/spans.go), in their order.
var stepNames = []string{"read", "admit", "fork", "jail", "policy", "program", "reap", "reply"}

// rootSpan is the one that they are the children of.
const rootSpan = "POST /execute"

// steps are where the time of a run goes, by the product's own timeline.
type steps struct {
	Runs   int     `json:"runs"`
	Client samples `json:"client"` // what the client saw of the same runs
	Whole  samples `json:"whole"`  // the request's span
	Ahead  samples `json:"ahead"`  // fork and jail of a parked run, before its program came

	Steps []step `json:"steps"` // in their order, then what lies between them
}

type step struct {
	Name string  `json:"name"`
	Took samples `json:"took"`
	// Share of the time of all requests.
	Share float64 `json:"share"`
}

// span is what is read of the console exporter's.
type span struct {
	Name        string
	SpanContext struct{ TraceID string }
	StartTime   time.Time
	EndTime     time.Time
	Attributes  []struct {
		Key   string
		Value struct{ Value any }
	}
}

func (s span) took() time.Duration { return s.EndTime.Sub(s.StartTime) }

// measureSteps runs print(42) on a server that writes its spans to a file.
func measureSteps(ctx context.Context, b *bench) error {
	dir, err := os.MkdirTemp("", "codecell-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "spans.json")
	took, err := traced(ctx, b, file)
	if err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	traces, err := readTraces(in)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	s := &b.report.Steps
	s.Client.add(took)
	return s.take(traces)
}

// traced is what the client saw. When it returns, all spans are in the file.
func traced(ctx context.Context, b *bench, file string) (took []time.Duration, err error) {
	s, err := cell.Start(ctx, cell.Options{
		Binary: b.binary,
		Env:    []string{"OTEL_TRACES_EXPORTER=console"},
		Wrap:   []string{"sh", "-c", `out=$1; shift; exec "$@" >"$out"`, "sh", file},
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	client := newRawClient(address(s), post(print42.body()))
	defer client.close()
	const part = 25
	for done := 0; done < b.plan.steps; done += part {
		b.step(done/part, b.plan.steps/part)
		some, err := client.measure(part, print42.status, print42.want)
		if err != nil {
			return nil, err
		}
		took = append(took, some...)
	}
	return took, nil
}

// readTraces reads spans by their trace: one JSON object a line. The server says
// there where it listens as well.
func readTraces(in io.Reader) (map[string][]span, error) {
	traces := map[string][]span{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if !bytes.HasPrefix(lines.Bytes(), []byte("{")) {
			continue
		}
		var s span
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return nil, err
		}
		id := s.SpanContext.TraceID
		traces[id] = append(traces[id], s)
	}
	return traces, lines.Err()
}

// take computes the figures of the traces that are whole: under load an exporter
// drops spans.
func (s *steps) take(traces map[string][]span) error {
	byName := map[string][]time.Duration{}
	var whole, between, ahead []time.Duration
	for _, trace := range traces {
		root, parts, ok := parts(trace)
		if !ok {
			continue
		}
		rest := root.took()
		for _, part := range parts {
			byName[part.Name] = append(byName[part.Name], part.took())
			rest -= part.took()
			if part.Name == "jail" {
				ahead = append(ahead, aheadOf(part))
			}
		}
		whole, between = append(whole, root.took()), append(between, rest)
	}
	if len(whole) == 0 {
		return fmt.Errorf("none of %d traces is whole", len(traces))
	}
	s.Runs = len(whole)
	s.Whole.add(whole)
	s.Ahead.add(ahead)
	for _, name := range stepNames {
		s.addStep(name, byName[name], sum(whole))
	}
	s.addStep("between these", between, sum(whole))
	return nil
}

func (s *steps) addStep(name string, took []time.Duration, whole time.Duration) {
	one := step{Name: name, Share: float64(sum(took)) / float64(whole)}
	one.Took.add(took)
	s.Steps = append(s.Steps, one)
}

// parts are a trace's root and its steps; false if it does not have all of them.
func parts(trace []span) (root span, parts []span, whole bool) {
	for _, s := range trace {
		switch {
		case s.Name == rootSpan:
			root = s
		case slices.Contains(stepNames, s.Name):
			parts = append(parts, s)
		}
	}
	return root, parts, root.Name != "" && len(parts) == len(stepNames)
}

// aheadOf is what the span says was done before its request came.
func aheadOf(s span) time.Duration {
	for _, a := range s.Attributes {
		if ms, ok := a.Value.Value.(float64); ok && a.Key == "codecell.ahead_ms" {
			return time.Duration(ms * float64(time.Millisecond))
		}
	}
	return 0
}

func sum(all []time.Duration) (total time.Duration) {
	for _, d := range all {
		total += d
	}
	return total
}
