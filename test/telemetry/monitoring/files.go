package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// Expression is a query in PromQL and where it stands.
type Expression struct {
	Where string
	Query string
}

// root is where the repository is, seen from the folder of a package of tests.
const root = "../../.."

// The files, seen from there.
var (
	AlertsFile     = filepath.Join(root, "deploy/monitoring/alerts.yaml")
	AlertsTestFile = filepath.Join(root, "deploy/monitoring/alerts_test.yaml")
	dashboardFile  = filepath.Join(root, "deploy/monitoring/dashboard.json")
	operationsFile = filepath.Join(root, "docs/operations.md")
)

// Alert is one rule, as Prometheus reads it.
type Alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Alerts reads the alert rules.
func Alerts() ([]Alert, error) {
	var file struct {
		Groups []struct {
			Name  string  `yaml:"name"`
			Rules []Alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := readYAML(AlertsFile, &file); err != nil {
		return nil, err
	}
	var alerts []Alert
	for _, group := range file.Groups {
		alerts = append(alerts, group.Rules...)
	}
	return alerts, nil
}

func readYAML(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(text, to, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Dashboard returns the queries of every panel and of every variable.
func Dashboard() ([]Expression, error) {
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		return nil, err
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%s: %w", dashboardFile, err)
	}
	var all []Expression
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, Expression{fmt.Sprintf("the panel %q", p.Title), withoutVariables(target.Expr)})
		}
	}
	for _, v := range d.Templating.List {
		// label_values(METRIC, LABEL) is Grafana's, METRIC is a query.
		arguments, isValues := strings.CutPrefix(v.Definition, "label_values(")
		if metric, _, both := strings.Cut(arguments, ","); isValues && both {
			all = append(all, Expression{fmt.Sprintf("the variable %q", v.Name), withoutVariables(metric)})
		}
	}
	return all, nil
}

// withoutVariables puts values in place of what Grafana puts in.
func withoutVariables(query string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$job", "codecell", "$instance", "i").Replace(query)
}

// Documented returns the queries of docs/operations.md, by the comment on their
// first line.
func Documented() (map[string]Expression, error) {
	text, err := os.ReadFile(operationsFile)
	if err != nil {
		return nil, err
	}
	const begin, end = "```promql\n", "```"
	found := map[string]Expression{}
	for rest := text; ; {
		_, after, more := bytes.Cut(rest, []byte(begin))
		if !more {
			return found, nil
		}
		block, behind, closed := bytes.Cut(after, []byte(end))
		if !closed {
			return nil, fmt.Errorf("%s: a block of promql has no end", operationsFile)
		}
		rest = behind
		for part := range strings.SplitSeq(strings.TrimSpace(string(block)), "\n\n") {
			first, query, _ := strings.Cut(part, "\n")
			name, commented := strings.CutPrefix(first, "# ")
			if _, twice := found[name]; !commented || twice || query == "" {
				return nil, fmt.Errorf("%s: %q: want a query below a comment of its own", operationsFile, part)
			}
			found[name] = Expression{fmt.Sprintf("docs/operations.md, %q", name), query}
		}
	}
}
