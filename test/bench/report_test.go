//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// reported is a whole report in which codecell takes ratio times what the limits take.
func reported(ratio int) *report {
	limit := counted(100, time.Millisecond)
	both := func(name string) pair {
		return pair{Name: name, Ours: counted(100, time.Duration(ratio)*time.Millisecond), Limit: limit}
	}
	slow, fast := rates{100, 100}, rates{100 * float64(ratio), 100 * float64(ratio)}
	r := &report{
		Rounds: 2, Start: both("start"), Paced: both("paced"),
		Latency:    latency{Cold: limit, Trivial: limit},
		Throughput: throughput{Bare: fast},
		Refusals: refusals{
			Latency: both("429"), Livez: both("/livez"), Statuses: map[string]int{"429": 100},
			PerSecond: slow, Trivial: slow, Most: slow, Cores: slow, TrivialCores: slow, MostCores: slow,
			Alone: fast, Beside: slow, BesideTrivial: slow,
		},
		// A warm import is to be much faster than a cold one: sixty times is enough, six is not.
		Packages: packages{
			Import: pair{Name: "import", Ours: counted(100, time.Duration(ratio)*time.Millisecond/60), Limit: limit},
			Apart:  both("apart"),
			Chart:  both("chart"), Folder: both("folder"),
		},
		Footprint: footprint{
			Idle: memory{10e6 * int64(ratio), 6e6 * int64(ratio)}, Loaded: memory{10e6, 6e6}, Limit: memory{10e6, 6e6},
			Faults: faults{100, 10, 100, 10},
		},
		Steps: steps{Runs: 1, Client: limit, Whole: limit, Ahead: limit, Steps: []step{{"read", limit, 0.5}}},
		Layers: layers{
			Bare: limit, BareRate: slow, Product: &variant{Latency: limit, PerSecond: slow},
			Variants: []*variant{{Layer: "Landlock", Latency: limit, PerSecond: slow}},
		},
	}
	for _, s := range programs {
		p := both(s.name)
		r.Latency.Programs = append(r.Latency.Programs, &p)
	}
	for _, n := range throughputClients {
		r.Throughput.Clients = append(r.Throughput.Clients, clientsRate{n, slow, 1 / float64(ratio)})
	}
	return r
}

// TestExpectations finds each met where codecell is as fast as its limits, and none
// where it is ten times slower.
func TestExpectations(t *testing.T) {
	t.Parallel()
	for _, e := range reported(1).expectations() {
		// These two are of p99: 99 times the unit, as counted has it.
		if wide := e.What == "print(42) p99 / bare fork p50" || strings.HasPrefix(e.What, "429"); !e.Met && !wide {
			t.Errorf("%+v: not met by what is as fast as its limit", e)
		}
	}
	slow := reported(10)
	slow.Refusals.Statuses["200"] = 1
	for _, e := range slow.expectations() {
		if e.Met {
			t.Errorf("%+v: met by what is ten times slower", e)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	r := reported(2)
	r.Expectations, r.Ratios = r.expectations(), r.ratios()
	var out bytes.Buffer
	r.print(&out, stages)
	for _, line := range []string{
		`print\(42\) +100\.00 ms +190\.00 ms +198\.00 ms +50\.00 ms +95\.00 ms +99\.00 ms +2\.00x +2\.00x +2\.00x +2\.00 \.\. 2\.00 +100`,
		`clients: 8 +100 +100 \.\. 100 +50\.0 % +0\.50 \.\. 0\.50`,
		`print\(42\) p50 / bare fork p50 +2\.00x +<= 1\.5x +no`,
		`start to first result / bare python3 -I -c pass +2\.00x +<= 4\.0x +yes`,
		`read +50\.0 % +50\.00 ms`,
		`Landlock +0 µs +0 \.\. 0`,
	} {
		if !regexp.MustCompile("(?m)^" + line).MatchString(out.String()) {
			t.Errorf("no line is %q in\n%s", line, out.String())
		}
	}
}

// TestWrite writes a report, and reads back what the next run is compared with.
func TestWrite(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report{"whole": reported(2), "of some stages": {Rounds: 1}} {
		file := filepath.Join(t.TempDir(), "bin", "bench.json")
		if name == "whole" {
			r.Ratios = r.ratios()
		}
		if err := r.write(file); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := readRatios(file)
		if (err == nil) != (name == "whole") || fmt.Sprint(got) != fmt.Sprint(r.Ratios) {
			t.Errorf("%s: read %v, %v; want %v", name, got, err, r.Ratios)
		}
	}
	if text, err := json.Marshal(reported(1)); err != nil {
		t.Errorf("%s: %v", text, err)
	}
}
