//go:build linux

package main

import (
	"io"
	"slices"
	"testing"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		then, now map[string]float64
		want      []comparison
		fails     bool
	}{
		{"nothing", nil, nil, nil, false},
		{
			"the same, better, and a bit worse",
			map[string]float64{"a": 2, "b": 2, "c": 2},
			map[string]float64{"a": 2, "b": 1, "c": 3},
			[]comparison{{"a", 2, 2, fine}, {"b", 2, 1, fine}, {"c", 2, 3, fine}},
			false,
		},
		{
			"much worse",
			map[string]float64{"a": 2, "b": 2},
			map[string]float64{"a": 3.01, "b": 2},
			[]comparison{{"a", 2, 3.01, isWorse}, {"b", 2, 2, fine}},
			true,
		},
		{"no longer measured", map[string]float64{"a": 2}, nil, []comparison{{"a", 2, 0, isGone}}, true},
		{"new", nil, map[string]float64{"a": 2}, []comparison{{"a", 0, 2, isNew}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := compare(tt.then, tt.now, 1.5)
			if !slices.Equal(got, tt.want) {
				t.Errorf("compare = %+v, want %+v", got, tt.want)
			}
			if err := printComparison(io.Discard, got); (err != nil) != tt.fails {
				t.Errorf("printComparison: %v", err)
			}
		})
	}
}

// TestRatios: a report compared with itself is fine, and each ratio is one of those
// that grow when codecell gets slower.
func TestRatios(t *testing.T) {
	t.Parallel()
	before, after := reported(1).ratios(), reported(2).ratios()
	for _, c := range compare(before, before, worse) {
		if c.verdict != fine {
			t.Errorf("%+v", c)
		}
	}
	for _, c := range compare(before, after, worse) {
		same := c.name == "page faults of a run" || c.name == "server RSS, loaded" // which reported leaves as they are
		if (c.verdict == isWorse) == same {
			t.Errorf("%+v", c)
		}
	}
}
