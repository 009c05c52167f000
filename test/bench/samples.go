//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"codecell/test/e2e/cell"
)

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

// MarshalJSON writes the figures and not the thousands of samples behind them.
func (s samples) MarshalJSON() ([]byte, error) {
	if len(s.All) == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(struct {
		Samples int             `json:"samples"`
		P50     time.Duration   `json:"p50_ns"`
		P95     time.Duration   `json:"p95_ns"`
		P99     time.Duration   `json:"p99_ns"`
		Medians []time.Duration `json:"round_medians_ns"`
	}{len(s.All), s.at(0.5), s.at(0.95), s.at(0.99), s.Medians})
}

// A pair is what codecell takes for a thing, and what its limit takes: the least
// that any design could. They were measured in turns, round by round.
type pair struct {
	Name  string
	Ours  samples
	Limit samples
}

// ratio compares a quantile of all samples.
func (p *pair) ratio(q float64) float64 { return float64(p.Ours.at(q)) / float64(p.Limit.at(q)) }

// rounds are the ratios of the medians of each round.
func (p *pair) rounds() rates {
	ratios := make(rates, len(p.Ours.Medians))
	for i, ours := range p.Ours.Medians {
		ratios[i] = float64(ours) / float64(p.Limit.Medians[i])
	}
	return ratios
}

// MarshalJSON adds the ratios.
func (p pair) MarshalJSON() ([]byte, error) {
	if len(p.Ours.All) == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(struct {
		Name   string  `json:"name"`
		Ours   samples `json:"codecell"`
		Limit  samples `json:"limit"`
		P50    float64 `json:"ratio_p50"`
		P95    float64 `json:"ratio_p95"`
		P99    float64 `json:"ratio_p99"`
		Rounds rates   `json:"ratio_of_round_medians"`
	}{p.Name, p.Ours, p.Limit, p.ratio(0.5), p.ratio(0.95), p.ratio(0.99), p.rounds()})
}

// rates are one figure for each round: so many a second, or a ratio.
type rates []float64

func (r rates) median() float64 { return cell.Quantile(r, 0.5) }

// over divides round by round.
func (r rates) over(limit rates) rates {
	ratios := make(rates, len(r))
	for i := range r {
		ratios[i] = r[i] / limit[i]
	}
	return ratios
}

// spread is the lowest and the highest, in the format.
func (r rates) spread(format string) string {
	return fmt.Sprintf(format+" .. "+format, slices.Min(r), slices.Max(r))
}
