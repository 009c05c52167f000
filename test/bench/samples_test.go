//go:build linux

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// counted are the durations 1, 2, … n, in two rounds, times factor.
func counted(n int, factor time.Duration) (s samples) {
	var all []time.Duration
	for i := range n {
		all = append(all, factor*time.Duration(i+1))
	}
	s.add(all[:n/2])
	s.add(all[n/2:])
	return s
}

func TestSamples(t *testing.T) {
	t.Parallel()
	s := counted(100, time.Millisecond)
	for _, tt := range []struct {
		q    float64
		want time.Duration
	}{{0.5, 50 * time.Millisecond}, {0.95, 95 * time.Millisecond}, {0.99, 99 * time.Millisecond}, {1, 100 * time.Millisecond}} {
		if got := s.at(tt.q); got != tt.want {
			t.Errorf("at(%v) = %v, want %v", tt.q, got, tt.want)
		}
	}
	if want := []time.Duration{25 * time.Millisecond, 75 * time.Millisecond}; !slices.Equal(s.Medians, want) {
		t.Errorf("medians of the rounds: %v, want %v", s.Medians, want)
	}
}

func TestPair(t *testing.T) {
	t.Parallel()
	p := pair{Name: "it", Ours: counted(100, 3*time.Millisecond), Limit: counted(100, 2*time.Millisecond)}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		if got := p.ratio(q); got != 1.5 {
			t.Errorf("ratio(%v) = %v, want 1.5", q, got)
		}
	}
	if got := p.rounds(); !slices.Equal(got, rates{1.5, 1.5}) {
		t.Errorf("rounds() = %v", got)
	}
	text, err := json.Marshal(p)
	if err != nil || !strings.Contains(string(text), `"ratio_p99":1.5`) || strings.Contains(string(text), "All") {
		t.Errorf("as JSON: %s, %v", text, err)
	}
	if text, err := json.Marshal(pair{Name: "not measured"}); err != nil || string(text) != "null" {
		t.Errorf("without samples: %s, %v", text, err)
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	r := rates{30, 10, 20}
	if got := r.median(); got != 20 {
		t.Errorf("median: %v", got)
	}
	if got := r.over(rates{10, 10, 40}); !slices.Equal(got, rates{3, 1, 0.5}) {
		t.Errorf("over: %v", got)
	}
	if got := r.spread("%.0f"); got != "10 .. 30" {
		t.Errorf("spread: %q", got)
	}
}
