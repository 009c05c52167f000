package manifest

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// account: nothing in the container is worth a token.
func account(s Service, _ figures) []string {
	switch {
	case s.Platform == CloudRun && s.Account == "":
		return []string{"no serviceAccountName: Cloud Run takes the project's default account, which often may edit the whole project, and its metadata server gives the token to whoever has a socket"}
	case s.Platform == CloudRun && strings.HasSuffix(s.Account, "-compute@developer.gserviceaccount.com"):
		return []string{"serviceAccountName is the project's default account, which often may edit the whole project: make one without roles"}
	case s.TokenInPod && s.Platform != Compose:
		return []string{"automountServiceAccountToken is not false: the pod has a token for the cluster's API that nothing in it needs"}
	}
	return nil
}

// isolated: the layers that the README promises can be there.
func isolated(s Service, f figures) (wrong []string) {
	if s.Platform == CloudRun {
		generation := s.Annotations["run.googleapis.com/execution-environment"]
		if generation == "" {
			wrong = append(wrong, "run.googleapis.com/execution-environment is not set: the platform chooses, and what holds could change from one deployment to the next")
		} else if !slices.Contains([]string{"gen1", "gen2"}, generation) {
			wrong = append(wrong, fmt.Sprintf("run.googleapis.com/execution-environment is %q, want gen1 or gen2", generation))
		}
		if generation == "gen1" && f.workspace > 0 {
			wrong = append(wrong, fmt.Sprintf("run.googleapis.com/execution-environment is gen1, which is gVisor and has no Landlock: the profile %s lets programs open files, and does not start without", f.profile))
		}
		if cpu, err := resource.ParseQuantity(s.CPU); err != nil || cpu.MilliValue() < 1000 {
			wrong = append(wrong, fmt.Sprintf("the cpu limit is %q: below 1 there is only gen1", s.CPU))
		}
		return wrong
	}

	if s.Platform == Compose {
		return nil // its file has other words for this: ParseCompose looks at them
	}
	// Pod security "restricted", and a root file system that can't be written to.
	c := s.Security
	if c == nil {
		return []string{"no securityContext"}
	}
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, "securityContext lacks "+what)
		}
	}
	isTrue := func(b *bool) bool { return b != nil && *b }
	need(isTrue(c.RunAsNonRoot) && c.RunAsUser != nil && *c.RunAsUser != 0, "runAsNonRoot with a runAsUser: limits that count by user do not hold root")
	need(c.AllowPrivilegeEscalation != nil && !*c.AllowPrivilegeEscalation, "allowPrivilegeEscalation: false")
	need(isTrue(c.ReadOnlyRootFilesystem), "readOnlyRootFilesystem: true: what can be written is memory without a limit")
	need(c.Capabilities != nil && slices.Contains(c.Capabilities.Drop, "ALL") && len(c.Capabilities.Add) == 0, "capabilities: {drop: [ALL]}")
	need(c.SeccompProfile != nil && c.SeccompProfile.Type == "RuntimeDefault", "seccompProfile: {type: RuntimeDefault}")
	return wrong
}

// CheckPolicy holds a network policy to what it is for: it is about the pods of
// the service, and lets nothing out of them.
func CheckPolicy(p *networkingv1.NetworkPolicy, s Service) error {
	var wrong []string
	const label = "serving.knative.dev/service"
	if p.Spec.PodSelector.MatchLabels[label] != s.Name {
		wrong = append(wrong, fmt.Sprintf("it selects pods of the service %q, the service is %q: no pod would be under it", p.Spec.PodSelector.MatchLabels[label], s.Name))
	}
	if !slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
		wrong = append(wrong, "policyTypes lacks Egress: whatever the pod opens gets out")
	}
	if len(p.Spec.Egress) > 0 {
		wrong = append(wrong, "it has an egress rule: nothing in the pod has a reason to call anybody")
	}
	if !slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) || len(p.Spec.Ingress) == 0 {
		wrong = append(wrong, "it does not say who may enter")
	}
	for _, rule := range p.Spec.Ingress {
		if len(rule.From) == 0 || len(rule.Ports) == 0 {
			wrong = append(wrong, "a rule for ingress lets in everybody, or to every port: past queue-proxy, to the server itself")
		}
		for _, port := range rule.Ports {
			if port.Port != nil && int64(port.Port.IntValue()) == s.Port {
				wrong = append(wrong, fmt.Sprintf("port %d is the server's own: callers would get past queue-proxy", s.Port))
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("network policy %q: %s", p.Name, strings.Join(wrong, "; "))
	}
	return nil
}
