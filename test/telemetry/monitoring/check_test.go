package monitoring

import (
	"slices"
	"strings"
	"testing"
)

const text = `# HELP runs_total Runs.
# TYPE runs_total counter
runs_total{outcome="ok"} 3
runs_total{outcome="failed"} 0
# TYPE used gauge
used 1
# TYPE took_seconds histogram
took_seconds_bucket{outcome="ok",le="1"} 1
took_seconds_bucket{outcome="ok",le="+Inf"} 1
took_seconds_sum{outcome="ok"} 0.5
took_seconds_count{outcome="ok"} 1
`

func TestCheck(t *testing.T) {
	exported, err := ParseExported([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if names := exported.Names("took"); !slices.Equal(names, []string{"took_seconds"}) {
		t.Errorf("names %q", names)
	}
	for _, test := range []struct {
		query string
		says  string // "": nothing
	}{
		{`sum by (outcome) (rate(runs_total{job="x"}[5m]))`, ""},
		{`histogram_quantile(0.9, sum by (le) (rate(took_seconds_bucket[5m]))) and on (instance) used > 0`, ""},
		{`runs_total{outcome=~"ok|failed"}`, ""},
		{`runs_total{outcome!~"o.*"}`, ""},
		{`sum(rate(runs_total[5m])`, "parse error"},
		{`took_seconds`, "no such metric"},
		{`run_total`, "no such metric"},
		{`runs_total{reason="ok"}`, "no label reason"},
		{`runs_total{outcome="fine"}`, `never has outcome="fine"`},
		{`runs_total{outcome=~"ok|fine"}`, `never has outcome="fine"`},
		{`runs_total{outcome=~"f.ne"}`, `never has outcome=~"f.ne"`},
		{`sum by (reason) (runs_total)`, "a label reason"},
		{`used / on (outcome) used`, "a label outcome"},
		{`rate(used[5m])`, "no counter"},
	} {
		_, err := exported.Check(test.query)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", test.query, err, test.says)
		}
	}
}
