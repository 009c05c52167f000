//go:build linux

package monitoring

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/e2e/cgroup"
	"codecell/test/telemetry/internal/stage"
)

func TestMain(m *testing.M) { stage.Main(m) }

// prefix is that of the server's own metrics.
const prefix = "codecell_"

// What the files ask for is there, and what is there is on the dashboard.
func TestNames(t *testing.T) {
	exported := scrape(t)
	alerts, err := Alerts()
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := Dashboard()
	if err != nil {
		t.Fatal(err)
	}
	documented, err := Documented()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, e := range dashboard {
		for _, family := range check(t, exported, e) {
			shown[family] = true
		}
	}
	for _, alert := range alerts {
		check(t, exported, Expression{"the alert " + alert.Alert, alert.Expr})
	}
	for _, e := range documented {
		check(t, exported, e)
	}
	names := exported.Names(prefix)
	for _, name := range names {
		if !shown[name] {
			t.Errorf("%s is exported, and nowhere on the dashboard", name)
		}
	}
	for name, series := range exported {
		if series.Help == "" {
			t.Errorf("%s has no description", name)
		}
	}
	table := cell.NewTable("what", "number")
	table.Row("metrics of the server's own", len(names))
	table.Row("queries on the dashboard", len(dashboard))
	table.Row("alerts", len(alerts))
	table.Row("queries in docs/operations.md", len(documented))
	table.Print(t.Output())
	if len(names) == 0 || len(dashboard) == 0 || len(alerts) == 0 || len(documented) == 0 {
		t.Error("there is nothing to check")
	}
}

func check(t *testing.T, exported Exported, e Expression) []string {
	t.Helper()
	families, err := exported.Check(e.Query)
	if err != nil {
		t.Errorf("%s: %v", e.Where, err)
	}
	return families
}

// Whoever is woken by an alert finds what to do.
func TestAlertsAreDocumented(t *testing.T) {
	alerts, err := Alerts()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(operationsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range alerts {
		if !bytes.Contains(text, []byte("`"+alert.Alert+"`")) {
			t.Errorf("docs/operations.md has nothing on %s", alert.Alert)
		}
		if alert.Annotations["summary"] == "" || alert.Annotations["action"] == "" || alert.Labels["severity"] == "" {
			t.Errorf("%s: want a summary, an action and a severity", alert.Alert)
		}
	}
}

// scrape returns what a server exports that has run a program, in a memory cgroup
// of its own: without one it has nothing to tell of the kernel's counters.
func scrape(t *testing.T) Exported {
	t.Helper()
	const limit = 1 << 30
	group, err := cgroup.New(fmt.Sprintf("codecell-monitoring-%d", os.Getpid()))
	stage.Require(t, "cgroup", "a memory cgroup (v1, or v2 with the memory controller) in which a child may be made", err)
	t.Cleanup(func() {
		if err := group.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := group.Limit(limit); err != nil {
		t.Fatal(err)
	}
	s, err := cell.Start(t.Context(), cell.Options{Binary: stage.Codecell, Wrap: group.Enter(), Env: []string{"OTEL_METRICS_EXPORTER=prometheus"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	client := s.Client(30 * time.Second)
	t.Cleanup(client.Close)
	if answer, err := client.Execute(t.Context(), cell.Request{Code: "print(1)"}); err != nil || !answer.OK("1\n") {
		t.Fatalf("a program: %v, %v", answer, err)
	}
	// The request itself is counted behind its reply.
	var exported Exported
	for end := time.Now().Add(20 * time.Second); exported["http_server_request_duration_seconds_count"] == nil; {
		if time.Now().After(end) {
			t.Fatal("after 20 s the request has not been counted")
		}
		exported = metrics(t, s.URL)
	}
	if !slices.ContainsFunc(exported.Names(prefix), func(name string) bool { return strings.HasPrefix(name, prefix+"cgroup_") }) {
		t.Fatalf("in a cgroup of %d bytes the server has nothing to say of it", limit)
	}
	return exported
}

func metrics(t *testing.T, server string) Exported {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("/metrics: %d, %v", answer.StatusCode, err)
	}
	exported, err := ParseExported(text)
	if err != nil {
		t.Fatal(err)
	}
	return exported
}
