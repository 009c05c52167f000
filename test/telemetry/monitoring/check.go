package monitoring

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// ofScrape are the labels that Prometheus adds to every series.
var ofScrape = []string{"job", "instance"}

// open are the labels whose values are not a closed list of the server's.
var open = []string{"le"}

// growing are the functions that make sense of a counter alone.
var growing = []string{"rate", "irate", "increase"}

// Check returns what a query asks for and the server does not have: names,
// labels, values; and functions for counters on what is none. It returns the
// names of the families that the query uses.
func (e Exported) Check(query string) (families []string, err error) {
	root, err := parser.NewParser(parser.Options{}).ParseExpr(query)
	if err != nil {
		return nil, err
	}
	var errs []error
	used := map[string]bool{}
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			series, found := e[n.Name]
			if !found {
				errs = append(errs, fmt.Errorf("%s: no such metric", n.Name))
				return nil
			}
			used[series.Family] = true
			errs = append(errs, series.checkMatchers(n), series.checkFunction(n.Name, path))
		case *parser.AggregateExpr:
			errs = append(errs, e.checkLabels(n, n.Grouping))
		case *parser.BinaryExpr:
			if n.VectorMatching != nil && n.VectorMatching.On {
				errs = append(errs, e.checkLabels(n, n.VectorMatching.MatchingLabels))
			}
		}
		return nil
	})
	return slices.Sorted(maps.Keys(used)), errors.Join(errs...)
}

func (s *Series) checkMatchers(n *parser.VectorSelector) error {
	var errs []error
	for _, m := range n.LabelMatchers {
		if m.Name == model.MetricNameLabel || slices.Contains(ofScrape, m.Name) {
			continue
		}
		values, found := s.Labels[m.Name]
		if !found {
			errs = append(errs, fmt.Errorf("%s has no label %s, only %s", n.Name, m.Name, s.labels()))
			continue
		}
		if slices.Contains(open, m.Name) {
			continue
		}
		// Each of the alternatives that are named, and for a pattern at least one.
		wanted := m.SetMatches()
		if m.Type == labels.MatchEqual || m.Type == labels.MatchNotEqual {
			wanted = []string{m.Value}
		}
		for _, value := range wanted {
			if !values[value] {
				errs = append(errs, fmt.Errorf("%s never has %s=%q, only %q", n.Name, m.Name, value, slices.Sorted(maps.Keys(values))))
			}
		}
		if len(wanted) == 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(values)), m.Matches) {
			errs = append(errs, fmt.Errorf("%s never has %s", n.Name, m))
		}
	}
	return errors.Join(errs...)
}

// checkFunction looks at what is called with the selector at the end of path.
func (s *Series) checkFunction(name string, path []parser.Node) error {
	for _, node := range slices.Backward(path) {
		if call, ok := node.(*parser.Call); ok {
			if slices.Contains(growing, call.Func.Name) && !s.Counter {
				return fmt.Errorf("%s of %s, which is no counter", call.Func.Name, name)
			}
			return nil
		}
	}
	return nil
}

// checkLabels wants each label to be one of something below the node.
func (e Exported) checkLabels(below parser.Node, wanted []string) error {
	var errs []error
	for _, label := range wanted {
		found := slices.Contains(ofScrape, label)
		parser.Inspect(below, func(node parser.Node, _ []parser.Node) error {
			if n, ok := node.(*parser.VectorSelector); ok && e[n.Name] != nil && e[n.Name].Labels[label] != nil {
				found = true
			}
			return nil
		})
		if !found {
			errs = append(errs, fmt.Errorf("nothing here has a label %s: %s", label, below))
		}
	}
	return errors.Join(errs...)
}
