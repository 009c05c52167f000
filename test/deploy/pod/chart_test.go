//go:build linux

package pod

import (
	"testing"

	"codecell/test/e2e/chart"
	"codecell/test/e2e/volume"
)

// A CSV in, a chart and a summary out, through queue-proxy and by data-science.yaml.
func TestChart(t *testing.T) {
	require(t, "packages", "what the profile data-science imports", volume.Packages())
	p := startPodOf(t, science, nil, nil)
	for i := range 2 { // the second finds nothing of the first
		answer, err := p.client.Execute(t.Context(), chart.Request())
		if err == nil {
			err = chart.Check(answer)
		}
		if err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
}
