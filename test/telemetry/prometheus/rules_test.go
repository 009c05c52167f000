//go:build linux

package prometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"codecell/test/telemetry/internal/stage"
	"codecell/test/telemetry/monitoring"

	"github.com/goccy/go-yaml"
)

func TestMain(m *testing.M) { stage.Main(m) }

func requireCommand(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	stage.Require(t, name, "the command "+name+" (Debian's package prometheus)", err)
}

func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	requireCommand(t, "promtool")
	out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput()
	return string(out), err
}

// The rules are right in Prometheus's eyes, and do what their tests say.
func TestRules(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", monitoring.AlertsFile}, {"test", "rules", monitoring.AlertsTestFile}} {
		if out, err := promtool(t, args...); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
}

// A rule that says something else fails those tests, whichever it is: each has
// a case in which it fires and one in which it does not.
func TestRulesAreTested(t *testing.T) {
	alerts, err := monitoring.Alerts()
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(monitoring.AlertsTestFile)
	if err != nil {
		t.Fatal(err)
	}
	for i, alert := range alerts {
		for name, expr := range map[string]string{"never fires": "vector(1) > 2", "always fires": alert.Expr + "\nor on () vector(1)"} {
			t.Run(alert.Alert+" "+name, func(t *testing.T) {
				dir := t.TempDir()
				changed := append([]monitoring.Alert{}, alerts...)
				changed[i].Expr = expr
				rules, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "codecell", "rules": changed}}})
				if err != nil {
					t.Fatal(err)
				}
				for file, text := range map[string][]byte{"alerts.yaml": rules, "alerts_test.yaml": tests} {
					if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if out, err := promtool(t, "test", "rules", filepath.Join(dir, "alerts_test.yaml")); err == nil {
					t.Errorf("promtool notices nothing:\n%s", out)
				}
			})
		}
	}
}
