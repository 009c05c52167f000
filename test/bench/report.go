//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"codecell/test/e2e/cell"
)

// report is everything that was measured, as it is written.
type report struct {
	Machine       machineInfo  `json:"machine"`
	Python        string       `json:"python"`
	PythonVersion string       `json:"python_version"`
	Isolation     []cell.Layer `json:"isolation"`
	Rounds        int          `json:"rounds"`

	BareFork samples `json:"bare_fork"`
	Cold     samples `json:"cold_start"`
	Trivial  samples `json:"http_trivial_handler"`
	HTTP     samples `json:"http"`

	Start     samples `json:"start_to_first_result"`
	BareStart samples `json:"bare_python_start"`

	RSSIdle    memory       `json:"rss_idle"`
	RSSAfter   memory       `json:"rss_after"`
	Throughput []throughput `json:"throughput"`
}

// throughput is in answered programs per second, one figure for each round.
type throughput struct {
	Clients   int       `json:"clients"`
	PerSecond []float64 `json:"per_second"`
}

// samples are durations of one thing, and the median of each round for the
// spread between them.
type samples struct {
	All     []time.Duration
	Medians []time.Duration
}

func (s *samples) add(round []time.Duration) {
	s.All = append(s.All, round...)
	s.Medians = append(s.Medians, cell.Quantile(round, 0.5))
}

// at returns a quantile of all samples.
func (s *samples) at(q float64) time.Duration { return cell.Quantile(s.All, q) }

// spread is the lowest and the highest median of a round.
func (s *samples) spread() string {
	return fmt.Sprintf("%s .. %s", millis(slices.Min(s.Medians)), millis(slices.Max(s.Medians)))
}

// MarshalJSON writes the figures and not the thousands of samples behind them.
func (s samples) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Samples int             `json:"samples"`
		P50     time.Duration   `json:"p50_ns"`
		P95     time.Duration   `json:"p95_ns"`
		P99     time.Duration   `json:"p99_ns"`
		Medians []time.Duration `json:"round_medians_ns"`
	}{len(s.All), s.at(0.5), s.at(0.95), s.at(0.99), s.Medians})
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\nPython %s, %s; %d rounds\n\n", r.Machine, r.PythonVersion, r.Python, r.Rounds)

	t := cell.NewTable("print(42)", "p50", "p95", "p99", "medians of rounds", "samples")
	row := func(name string, s *samples) {
		t.Row(name, millis(s.at(0.5)), millis(s.at(0.95)), millis(s.at(0.99)), s.spread(), len(s.All))
	}
	row("bare warm fork + compile + exec + wait", &r.BareFork)
	row("cold python3 -I -S -c", &r.Cold)
	row("HTTP, one client", &r.HTTP)
	row("the client's share (trivial Go handler)", &r.Trivial)
	row("start to first result", &r.Start)
	row("bare python3 -I -c pass", &r.BareStart)
	t.Print(w)
	fmt.Fprintln(w)

	t = cell.NewTable("figure", "measured", "expected")
	t.Row("HTTP p50 / bare fork p50", ratio(&r.HTTP, &r.BareFork), "<= 2.5x")
	t.Row("HTTP p50 / cold start p50", ratio(&r.HTTP, &r.Cold), "< 1x")
	t.Row("server RSS, idle", megabytes(r.RSSIdle.Server), "<= 25 MB")
	t.Row("server RSS, after the requests", megabytes(r.RSSAfter.Server), "")
	t.Row("zygote RSS, idle", megabytes(r.RSSIdle.Zygote), "<= 14 MB")
	t.Row("start to first result, median", millis(r.Start.at(0.5)), "<= 150 ms")
	for _, p := range r.Throughput {
		t.Row(fmt.Sprintf("throughput, slots %d, clients %d", slots, p.Clients),
			fmt.Sprintf("%.0f/s (%.0f .. %.0f)", cell.Quantile(p.PerSecond, 0.5),
				slices.Min(p.PerSecond), slices.Max(p.PerSecond)), "")
	}
	t.Print(w)
}

func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return err
	}
	progress("all figures are in %s", path)
	return nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// ratio compares medians.
func ratio(a, b *samples) string { return fmt.Sprintf("%.2fx", float64(a.at(0.5))/float64(b.at(0.5))) }
