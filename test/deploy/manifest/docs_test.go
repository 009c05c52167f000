//go:build linux

package manifest

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"codecell/test/e2e/cell"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// example returns the block of YAML in docs/deploy.md that begins with first.
func example(t *testing.T, first string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```yaml\n"+first+"\n")
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !closed {
		t.Fatalf("docs/deploy.md has no block that begins with %q", first)
	}
	return []byte(first + "\n" + block + "\n")
}

// The example for Kubernetes is right as it stands there: the Deployment by our
// rules, and its companions are about the same pods.
func TestDocumentedDeployment(t *testing.T) {
	parts := documents(example(t, "apiVersion: apps/v1"))
	if len(parts) != 3 {
		t.Fatalf("%d documents, want a Deployment, a Service and a NetworkPolicy", len(parts))
	}
	deployed, err := ParseDeployment(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(t.Context(), deployed, server); err != nil {
		t.Error(err)
	}
	var d appsv1.Deployment
	var s corev1.Service
	var p networkingv1.NetworkPolicy
	for i, v := range []any{&d, &s, &p} {
		if err := strictly(parts[i], v); err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
	}
	labels := d.Spec.Template.Labels
	for what, selector := range map[string]map[string]string{
		"the Deployment": d.Spec.Selector.MatchLabels, "the Service": s.Spec.Selector, "the policy": p.Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 || !maps.Equal(selector, labels) {
			t.Errorf("%s selects %v, the pods are %v", what, selector, labels)
		}
	}
	if len(s.Spec.Ports) != 1 || int64(s.Spec.Ports[0].TargetPort.IntValue()) != deployed.Port {
		t.Errorf("the Service sends to %v, the server listens on %d", s.Spec.Ports, deployed.Port)
	}
	if len(p.Spec.Egress) != 0 || !slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
		t.Errorf("the policy lets something out: %+v", p.Spec)
	}
}

func TestDocumentedCompose(t *testing.T) {
	service, err := ParseCompose(example(t, "services:"))
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(t.Context(), service, server); err != nil {
		t.Error(err)
	}
}

func TestWrongExamples(t *testing.T) {
	table := cell.NewTable("docs/deploy.md with", "is refused")
	defer table.Print(t.Output())
	kubernetes := func(text []byte) (Service, error) { return ParseDeployment(documents(text)[0]) }
	for _, test := range []struct {
		wrongdoing
		first string
		parse func([]byte) (Service, error)
	}{
		{wrongdoing{"Kubernetes without a line", "{name: SANDBOX_MAX_WAIT, value: 30s}", "{name: SANDBOX_MAX_WAIT, value: 0s}", "without SANDBOX_MAX_WAIT all but the first are refused at once"}, "apiVersion: apps/v1", kubernetes},
		{wrongdoing{"a preStop beyond the grace", "sleep: {seconds: 5}", "sleep: {seconds: 10}", "the drain ends 46.7s after it"}, "apiVersion: apps/v1", kubernetes},
		{wrongdoing{"a misspelt field", "replicas: 4", "replica: 4", `unknown field "spec.replica"`}, "apiVersion: apps/v1", kubernetes},
		{wrongdoing{"compose without a line", "SANDBOX_MAX_WAIT: 30s", "SANDBOX_LOG_LEVEL: info", "without SANDBOX_MAX_WAIT all but the first are refused at once"}, "services:", ParseCompose},
		{wrongdoing{"a short grace", "stop_grace_period: 40s", "stop_grace_period: 10s", "SIGKILL comes 10s after the order to stop"}, "services:", ParseCompose},
		{wrongdoing{"swap", "memswap_limit: 704m", "memswap_limit: 2g", "memswap_limit is not mem_limit"}, "services:", ParseCompose},
		{wrongdoing{"a port for everybody", "127.0.0.1:8080:8080", "8080:8080", "is not one of this machine's alone"}, "services:", ParseCompose},
	} {
		t.Run(test.name, func(t *testing.T) {
			service, err := test.parse(test.apply(t, example(t, test.first)))
			if err == nil {
				err = Check(t.Context(), service, server)
			}
			table.Row(test.name, refused(t, err, test.want))
		})
	}
}
