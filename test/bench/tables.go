//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"codecell/test/e2e/cell"
)

// pairTable has a row for each pair. The last column is the ratio of the medians of
// each round, from the lowest to the highest.
func pairTable(what, limit string, pairs ...*pair) *cell.Table {
	t := cell.NewTable(what, "p50", "p95", "p99", limit+" p50", "p95", "p99", "ratio p50", "p95", "p99", "of rounds", "samples")
	for _, p := range pairs {
		o, l := &p.Ours, &p.Limit
		t.Row(p.Name, millis(o.at(0.5)), millis(o.at(0.95)), millis(o.at(0.99)),
			millis(l.at(0.5)), millis(l.at(0.95)), millis(l.at(0.99)),
			times(p.ratio(0.5)), times(p.ratio(0.95)), times(p.ratio(0.99)), p.rounds().spread("%.2f"), len(o.All))
	}
	return t
}

func (r *report) startTables() []*cell.Table {
	return []*cell.Table{pairTable("start", "bare python3 -I -c pass", &r.Start)}
}

func (r *report) latencyTables() []*cell.Table {
	l := &r.Latency
	beside := cell.NewTable("for comparison", "p50", "p95", "p99", "samples")
	for _, s := range []struct {
		name string
		of   *samples
	}{{"print(42), cold python3 -I -S -c", &l.Cold}, {"print(42), a trivial Go handler that runs nothing", &l.Trivial}} {
		beside.Row(s.name, millis(s.of.at(0.5)), millis(s.of.at(0.95)), millis(s.of.at(0.99)), len(s.of.All))
	}
	return []*cell.Table{pairTable("latency, one client", "bare fork", l.Programs...), beside}
}

func (r *report) pacedTables() []*cell.Table {
	return []*cell.Table{pairTable(fmt.Sprintf("latency at %d a second", perSecond), "bare fork", &r.Paced)}
}

func (r *report) throughputTables() []*cell.Table {
	t := cell.NewTable(fmt.Sprintf("throughput, %d slots", slots), "per second", "of rounds", "ratio", "of rounds")
	bare := r.Throughput.Bare
	t.Row(fmt.Sprintf("%d bare fork loops", slots), perSec(bare), bare.spread("%.0f"), "", "")
	for _, c := range r.Throughput.Clients {
		t.Row(fmt.Sprintf("clients: %d", c.Clients), perSec(c.PerSecond), c.PerSecond.spread("%.0f"),
			percent(c.Ratio), c.PerSecond.over(bare).spread("%.2f"))
	}
	return []*cell.Table{t}
}

func (r *report) refusalTables() []*cell.Table {
	f := &r.Refusals
	t := cell.NewTable(fmt.Sprintf("%d clients, each waiting %v after an answer", f.Clients, f.Pause), "measured", "of rounds")
	t.Row("429s per second", perSec(f.PerSecond), f.PerSecond.spread("%.0f"))
	for _, status := range slices.Sorted(maps.Keys(f.Statuses)) {
		t.Row("answers "+status, f.Statuses[status], "")
	}
	t.Row("answers other than 429", f.other(), "")
	t.Row("reconnected", f.Again, "")
	t.Row("generator, cores", cores(f.Cores), f.Cores.spread("%.2f"))
	t.Row("trivial handler per second", perSec(f.Trivial), f.Trivial.spread("%.0f"))
	t.Row("generator, cores", cores(f.TrivialCores), f.TrivialCores.spread("%.2f"))
	t.Row("trivial handler per second, without the wait", perSec(f.Most), f.Most.spread("%.0f"))
	t.Row("generator, cores", cores(f.MostCores), f.MostCores.spread("%.2f"))
	kept, elsewhere := f.Beside.over(f.Alone), f.BesideTrivial.over(f.Alone)
	t.Row("the program's speed, of its speed alone", percent(kept.median()), kept.spread("%.2f"))
	t.Row("while the crowd is at the trivial handler", percent(elsewhere.median()), elsewhere.spread("%.2f"))
	return []*cell.Table{pairTable("beside a program in the only slot", "trivial handler", &f.Latency, &f.Livez), t}
}

func (r *report) memoryTables() []*cell.Table {
	f := &r.Footprint
	t := cell.NewTable("resident memory", "idle", "loaded", "limit", "ratio idle", "loaded")
	row := func(name string, of func(memory) int64) {
		limit := float64(of(f.Limit))
		t.Row(name, megabytes(of(f.Idle)), megabytes(of(f.Loaded)), megabytes(of(f.Limit)),
			times(float64(of(f.Idle))/limit), times(float64(of(f.Loaded))/limit))
	}
	row("server (limit: a trivial Go server)", func(m memory) int64 { return m.Server })
	row("zygote (limit: python3 with the same modules)", func(m memory) int64 { return m.Zygote })
	pages := cell.NewTable("minor page faults per run", "codecell", "bare fork", "ratio")
	pages.Row("in the run", fmt.Sprintf("%.1f", f.Faults.Run), fmt.Sprintf("%.1f", f.Faults.BareRun), times(f.Faults.Run/f.Faults.BareRun))
	pages.Row("in its parent", fmt.Sprintf("%.1f", f.Faults.Zygote), fmt.Sprintf("%.1f", f.Faults.BareParent), "")
	return []*cell.Table{t, pages}
}

func (r *report) stepTables() []*cell.Table {
	s := &r.Steps
	t := cell.NewTable("a run by its own spans", "share", "p50", "p95", "p99")
	row := func(name, share string, of *samples) {
		t.Row(name, share, millis(of.at(0.5)), millis(of.at(0.95)), millis(of.at(0.99)))
	}
	for i := range s.Steps {
		row(s.Steps[i].Name, percent(s.Steps[i].Share), &s.Steps[i].Took)
	}
	row("the request, as the server sees it", percent(1), &s.Whole)
	row("the request, as the client sees it", "", &s.Client)
	row("fork and jail, done ahead", "", &s.Ahead)
	return []*cell.Table{t}
}

func (r *report) layerTables() []*cell.Table {
	l := &r.Layers
	t := cell.NewTable("price of a layer", "one client", "of rounds", "of bare fork", "slots busy", "of rounds", "of bare loops")
	bare, loops := micros(l.Bare.at(0.5)), slots*1e6/l.BareRate.median()
	for _, v := range l.Variants {
		price, busy := v.price(l.Product), v.busyPrice(l.Product)
		t.Row(v.Layer, fmt.Sprintf("%.0f µs", price.median()), price.spread("%.0f"), percent(price.median()/bare),
			fmt.Sprintf("%.0f µs", busy.median()), busy.spread("%.0f"), percent(busy.median()/loops))
	}
	whole := slots * 1e6 / l.Product.PerSecond.median()
	t.Row("a run of print(42), in all", fmt.Sprintf("%.0f µs", micros(l.Product.Latency.at(0.5))), "", percent(micros(l.Product.Latency.at(0.5))/bare),
		fmt.Sprintf("%.0f µs", whole), "", percent(whole/loops))
	return []*cell.Table{t}
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func times(ratio float64) string { return fmt.Sprintf("%.2fx", ratio) }

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func perSec(r rates) string { return fmt.Sprintf("%.0f", r.median()) }

func cores(r rates) string { return fmt.Sprintf("%.2f", r.median()) }
