//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"codecell/test/e2e/cell"
)

// worse is how many times worse a ratio has to be to be reported. Machines differ,
// also from hour to hour; a ratio to a limit of the same run differs much less.
const worse = 1.5

// ratios are the figures that mean the same on another machine: each is what
// codecell takes over what its limit takes, so that more is worse.
func (r *report) ratios() map[string]float64 {
	f := &r.Footprint
	all := map[string]float64{
		"start to first result":      r.Start.ratio(0.5),
		"latency at 50 a second":     r.Paced.ratio(0.5),
		"429":                        r.Refusals.Latency.ratio(0.5),
		"/livez beside the crowd":    r.Refusals.Livez.ratio(0.5),
		"a program beside the crowd": 1 / r.Refusals.kept(),
		"server RSS, idle":           float64(f.Idle.Server) / float64(f.Limit.Server),
		"server RSS, loaded":         float64(f.Loaded.Server) / float64(f.Limit.Server),
		"zygote RSS, idle":           float64(f.Idle.Zygote) / float64(f.Limit.Zygote),
		"page faults of a run":       (f.Faults.Run + f.Faults.Zygote) / (f.Faults.BareRun + f.Faults.BareParent),
	}
	for _, p := range []*pair{&r.Packages.Import, &r.Packages.Apart, &r.Packages.Chart, &r.Packages.Folder} {
		all["packages: "+p.Name] = p.ratio(0.5)
	}
	for _, p := range r.Latency.Programs {
		all["latency of "+p.Name] = p.ratio(0.5)
	}
	for _, c := range r.Throughput.Clients {
		all[fmt.Sprintf("throughput of %d clients", c.Clients)] = 1 / c.Ratio
	}
	return all
}

// A comparison is one ratio then and now.
type comparison struct {
	name      string
	then, now float64 // 0: it was not there
	verdict   verdict
}

type verdict string

const (
	fine    verdict = ""
	isWorse verdict = "WORSE"
	isGone  verdict = "NOT MEASURED"
	isNew   verdict = "new"
)

// compare holds ratios against those of an earlier run, by name.
func compare(then, now map[string]float64, bound float64) []comparison {
	names := map[string]float64{}
	maps.Copy(names, then)
	maps.Copy(names, now)
	var all []comparison
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c := comparison{name: name, then: then[name], now: now[name]}
		switch {
		case c.now == 0:
			c.verdict = isGone
		case c.then == 0:
			c.verdict = isNew
		case c.now > bound*c.then:
			c.verdict = isWorse
		}
		all = append(all, c)
	}
	return all
}

// printComparison returns an error that counts what is worse or gone.
func printComparison(w io.Writer, all []comparison) error {
	t := cell.NewTable("ratio to its limit, more is worse", "then", "now", "now / then", "")
	bad := 0
	for _, c := range all {
		then, now, change := "", "", ""
		if c.then != 0 {
			then = times(c.then)
		}
		if c.now != 0 {
			now = times(c.now)
		}
		if c.then != 0 && c.now != 0 {
			change = times(c.now / c.then)
		}
		t.Row(c.name, then, now, change, c.verdict)
		if c.verdict == isWorse || c.verdict == isGone {
			bad++
		}
	}
	fmt.Fprintln(w)
	t.Print(w)
	if bad > 0 {
		return fmt.Errorf("%d of %d ratios are more than %.1f times worse than they were, or were not measured", bad, len(all), worse)
	}
	return nil
}

// readRatios reads them from an earlier run's JSON.
func readRatios(file string) (map[string]float64, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w (`make bench` writes one to bin/bench.json)", err)
	}
	var r struct{ Ratios map[string]float64 }
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(r.Ratios) == 0 {
		return nil, errors.New(file + " has no ratios: it is none of this command's, or of -only")
	}
	return r.Ratios, nil
}
