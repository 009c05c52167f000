package monitoring

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Exported is what a server exports: its series by the names that a query has
// for them. A histogram has three.
type Exported map[string]*Series

// Series are those of one name.
type Series struct {
	Family string // name in the exposition: without _bucket, _sum, _count
	// Counter: it only grows, so that rate and increase mean something.
	Counter bool
	Help    string
	Labels  map[string]map[string]bool // the values that were seen of each
}

// ParseExported reads the text of /metrics.
func ParseExported(text []byte) (Exported, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	exported := Exported{}
	for name, family := range families {
		if family.GetType() == dto.MetricType_HISTOGRAM {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				exported[name+suffix] = newSeries(family, true)
			}
			exported[name+"_bucket"].Labels[model.BucketLabel] = map[string]bool{"+Inf": true}
			continue
		}
		exported[name] = newSeries(family, family.GetType() == dto.MetricType_COUNTER)
	}
	return exported, nil
}

func newSeries(family *dto.MetricFamily, counter bool) *Series {
	s := &Series{Family: family.GetName(), Counter: counter, Help: family.GetHelp(), Labels: map[string]map[string]bool{}}
	for _, metric := range family.GetMetric() {
		for _, label := range metric.GetLabel() {
			values := s.Labels[label.GetName()]
			if values == nil {
				values = map[string]bool{}
				s.Labels[label.GetName()] = values
			}
			values[label.GetValue()] = true
		}
	}
	return s
}

// Names returns the families whose names begin with prefix, sorted.
func (e Exported) Names(prefix string) []string {
	names := map[string]bool{}
	for _, s := range e {
		if strings.HasPrefix(s.Family, prefix) {
			names[s.Family] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// labels lists them for an error.
func (s *Series) labels() string {
	return fmt.Sprintf("%q", slices.Sorted(maps.Keys(s.Labels)))
}
