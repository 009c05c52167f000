//go:build linux

package manifest

import (
	"bytes"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// A wrongdoing is one change to a manifest that is right, and the sentence that
// has to come of it.
type wrongdoing struct {
	name     string
	old, new string // the first is replaced by the second
	want     string
}

func (w wrongdoing) apply(t *testing.T, text []byte) []byte {
	t.Helper()
	if n := bytes.Count(text, []byte(w.old)); n != 1 {
		t.Fatalf("%q is there %d times, want 1", w.old, n)
	}
	return bytes.Replace(text, []byte(w.old), []byte(w.new), 1)
}

// refused fails the test unless the error says what is wanted, and returns the
// line that does.
func refused(t *testing.T, err error, want string) string {
	t.Helper()
	if err == nil {
		t.Fatalf("not noticed; want %q", want)
	}
	for line := range strings.Lines(err.Error()) {
		if strings.Contains(line, want) {
			return strings.TrimSpace(line)
		}
	}
	t.Fatalf("want %q, got:\n%v", want, err)
	return ""
}

func TestWrongForCloudRun(t *testing.T) {
	right := made(t, "deploy-cloudrun", image, project, region)
	table := cell.NewTable("cloudrun/service.yaml with", "is refused")
	defer table.Print(t.Output())
	for _, test := range []wrongdoing{
		{
			"two requests for one slot", "containerConcurrency: 1\n", "containerConcurrency: 2\n",
			"containerConcurrency is 2, but the server runs 1 at once",
		},
		{
			"no concurrency", "      containerConcurrency: 1\n", "",
			"containerConcurrency is not set, which Cloud Run takes for 80",
		},
		{
			"more slots than requests", "name: SANDBOX_MAX_WAIT\n", "name: SANDBOX_MAX_CONCURRENCY\n              value: \"2\"\n            - name: SANDBOX_MAX_WAIT\n",
			"containerConcurrency is 1, but the server has memory set aside for 2",
		},
		{
			"half the memory", "memory: 1Gi\n", "memory: 512Mi\n",
			"with a memory limit of 512Mi the server does not start: ",
		},
		{
			"all memory for the server", "value: 896Mi\n", "value: 1Gi\n",
			"SANDBOX_MEMORY_LIMIT is 1024 MiB of a limit of 1Gi: that is the microVM's",
		},
		{
			"no word of the memory", "name: SANDBOX_MEMORY_LIMIT\n              value: 896Mi\n", "name: SANDBOX_LOG_LEVEL\n              value: info\n",
			"SANDBOX_MEMORY_LIMIT is not set",
		},
		{
			"too little for one run", "value: 896Mi\n", "value: 600Mi\n",
			"with a memory limit of 1Gi the server does not start: SANDBOX_MAX_CONCURRENCY=1 does not fit: 600 MiB limit",
		},
		{
			"a probe on no route", "httpGet: {path: /health, port: 8080}", "httpGet: {path: /healthy, port: 8080}",
			"the liveness probe asks /healthy, which a server in good health answers with 404",
		},
		{
			"liveness by readiness", "httpGet: {path: /health, port: 8080}", "httpGet: {path: /ready, port: 8080}",
			"the liveness probe asks /ready, which is 503 while the server drains",
		},
		{
			"a probe on another port", "httpGet: {path: /health, port: 8080}", "httpGet: {path: /health, port: 8081}",
			"the liveness probe asks port 8081, the server listens on 8080",
		},
		{
			"a probe as long as its period", "timeoutSeconds: 1\n", "timeoutSeconds: 2\n",
			"the startup probe may take 2s of every 2s",
		},
		{
			"another port", "containerPort: 8080", "containerPort: 9000",
			"containerPort is 9000, but the server opens 8080",
		},
		{
			"a request shorter than a run", "timeoutSeconds: 60\n", "timeoutSeconds: 30\n",
			"timeoutSeconds is 30s, but a program may run for 30s after a wait of 2s",
		},
		{
			"a drain longer than the grace", "value: 8s\n", "value: 9s\n",
			"SIGKILL comes 10s after the order to stop, but the drain ends 10.7s after it",
		},
		{
			"no execution environment", "        run.googleapis.com/execution-environment: gen2\n", "",
			"execution-environment is not set: the platform chooses",
		},
		{
			"half a processor", "cpu: \"1\"", "cpu: 500m",
			"the cpu limit is \"500m\": below 1 there is only gen1",
		},
		{
			"an annotation as Knative writes it", "autoscaling.knative.dev/minScale", "autoscaling.knative.dev/min-scale",
			"annotation autoscaling.knative.dev/min-scale is none that Cloud Run documents, and may be ignored: it is written autoscaling.knative.dev/minScale",
		},
		{
			"the default account", "codecell-no-roles@my-project.iam", "123-compute@developer",
			"serviceAccountName is the project's default account",
		},
		{
			"no account", "      serviceAccountName: codecell-no-roles@my-project.iam.gserviceaccount.com\n", "",
			"no serviceAccountName: Cloud Run takes the project's default account",
		},
		{
			"a misspelt field", "containerConcurrency: 1", "containerConcurency: 1",
			`unknown field "spec.template.spec.containerConcurency"`,
		},
		{
			"a field in another case", "containerConcurrency: 1", "containerconcurrency: 1",
			`unknown field "spec.template.spec.containerconcurrency"`,
		},
		{
			"a field twice", "containerConcurrency: 1", "containerConcurrency: 1\n      containerConcurrency: 80",
			`key "containerConcurrency" already set in map`,
		},
		{
			"a bad value", "value: 8s\n", "value: 8 seconds\n",
			`SANDBOX_DRAIN_TIMEOUT="8 seconds": want a duration`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			service, err := ParseCloudRun(test.apply(t, right))
			if err == nil {
				err = Check(t.Context(), service, server)
			}
			table.Row(test.name, refused(t, err, test.want))
		})
	}
}

func TestWrongForKnative(t *testing.T) {
	right := documents(made(t, "deploy-knative", image))[0]
	table := cell.NewTable("knative/service.yaml with", "is refused")
	defer table.Print(t.Output())
	for _, test := range []wrongdoing{
		{
			"two requests for one slot", "containerConcurrency: 1\n", "containerConcurrency: 2\n",
			"containerConcurrency is 2, but the server runs 1 at once",
		},
		{
			"no concurrency", "      containerConcurrency: 1\n", "",
			"containerConcurrency is not set, which Knative takes for no limit",
		},
		{
			"less memory than one run needs", "              memory: 704Mi\n", "              memory: 512Mi\n",
			"with a memory limit of 512Mi the server does not start: ",
		},
		{
			"less asked for than used", "requests: {cpu: \"1\", memory: 704Mi}", "requests: {cpu: \"1\", memory: 128Mi}",
			"the memory request is \"128Mi\", the limit \"704Mi\"",
		},
		{
			"more asked for than the limit", "requests: {cpu: \"1\", memory: 704Mi}", "requests: {cpu: \"1\", memory: 1Gi}",
			"the memory request is \"1Gi\", the limit \"704Mi\"",
		},
		{
			"another memory for the server", "name: SANDBOX_MAX_WAIT\n              value: 2s", "name: SANDBOX_MEMORY_LIMIT\n              value: 1Gi",
			"SANDBOX_MEMORY_LIMIT is 1024 MiB, but the container's limit is 704Mi",
		},
		{
			"a probe on no route", "httpGet: {path: /readyz, port: 8080}", "httpGet: {path: /readiness, port: 8080}",
			"the readiness probe asks /readiness, which a server in good health answers with 404",
		},
		{
			"liveness by readiness", "httpGet: {path: /livez, port: 8080}", "httpGet: {path: /readyz, port: 8080}",
			"the liveness probe asks /readyz, which is 503 while the server drains",
		},
		{
			"a slow readiness probe", "httpGet: {path: /readyz, port: 8080}\n", "httpGet: {path: /readyz, port: 8080}\n            periodSeconds: 5\n",
			"the readiness probe has a period of 5s",
		},
		{
			"a user namespace", "enableServiceLinks: false", "hostUsers: false",
			"refused by Knative: must not set the field(s): spec.template.spec.hostUsers",
		},
		{
			"a grace without the quiet", "timeoutSeconds: 90\n", "timeoutSeconds: 60\n",
			"SIGKILL comes 1m0s after the order to stop, but the drain ends 1m6.7s after it",
		},
		{
			"longer than the cluster allows", "timeoutSeconds: 90\n", "timeoutSeconds: 900\n",
			"refused by Knative: expected 0 <= 900 <= 600: spec.template.spec.timeoutSeconds",
		},
		{
			"a drain that cuts runs short", "value: 35s\n", "value: 8s\n",
			"a program may run for 30s, but a drain kills it after 8s",
		},
		{
			"a token in the pod", "automountServiceAccountToken: false", "serviceAccountName: default",
			"automountServiceAccountToken is not false",
		},
		{
			"an annotation as Cloud Run writes it", "autoscaling.knative.dev/target-burst-capacity", "autoscaling.knative.dev/targetBurstCapacity",
			"it is written autoscaling.knative.dev/target-burst-capacity",
		},
		{
			"a scale that is no number", "autoscaling.knative.dev/max-scale: \"50\"", "autoscaling.knative.dev/max-scale: many",
			"refused by Knative: invalid value: many",
		},
		{
			"a window too short", "autoscaling.knative.dev/window: 60s", "autoscaling.knative.dev/window: 5s",
			"refused by Knative: expected 6s <= 5s <= 1h0m0s",
		},
		{
			"a root file system to write to", "            readOnlyRootFilesystem: true\n", "",
			"securityContext lacks readOnlyRootFilesystem: true",
		},
		{
			"root", "runAsUser: 65532", "runAsUser: 0",
			"securityContext lacks runAsNonRoot with a runAsUser",
		},
		{
			"no seccomp profile", "            seccompProfile: {type: RuntimeDefault}\n", "",
			"securityContext lacks seccompProfile",
		},
		{
			"privileges", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true",
			"securityContext lacks allowPrivilegeEscalation: false",
		},
		{
			"the host's network", "enableServiceLinks: false", "hostNetwork: true",
			"refused by Knative: must not set the field(s): spec.template.spec.hostNetwork",
		},
		{
			"a misspelt field", "containerConcurrency: 1", "containerConcurency: 1",
			`unknown field "spec.template.spec.containerConcurency"`,
		},
		{
			"a port of the platform's", "name: SANDBOX_MAX_WAIT\n              value: 2s", "name: PORT\n              value: \"8080\"",
			"refused by Knative: ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			service, err := ParseKnative(test.apply(t, right), true)
			if err == nil {
				err = Check(t.Context(), service, server)
			}
			table.Row(test.name, refused(t, err, test.want))
		})
	}
}

func TestWrongNetworkPolicy(t *testing.T) {
	parts := documents(made(t, "deploy-knative", image))
	service, err := ParseKnative(parts[0], true)
	if err != nil {
		t.Fatal(err)
	}
	table := cell.NewTable("knative/networkpolicy.yaml with", "is refused")
	defer table.Print(t.Output())
	for _, test := range []wrongdoing{
		{"egress to anybody", "egress: []", "egress: [{}]", "it has an egress rule"},
		{"egress not named", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]", "policyTypes lacks Egress"},
		{"other pods", "serving.knative.dev/service: codecell", "serving.knative.dev/service: other", "no pod would be under it"},
		{"the server's own port", "port: 8012}", "port: 8080}", "callers would get past queue-proxy"},
		{"a misspelt field", "egress: []", "egres: []", `unknown field "spec.egres"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy, err := ParseNetworkPolicy(test.apply(t, parts[1]))
			if err == nil {
				err = CheckPolicy(policy, service)
			}
			table.Row(test.name, refused(t, err, test.want))
		})
	}
}

// What only a profile with files has to have.
func TestWrongForFiles(t *testing.T) {
	requireScience(t)
	const (
		volume = "emptyDir: {medium: Memory, sizeLimit: 64Mi}"
		mount  = "            - name: workspace\n              mountPath: /workspace\n"
	)
	cloudrun := changeable{made(t, "deploy-cloudrun", image, project, region, science), ParseCloudRun}
	knative := changeable{documents(made(t, "deploy-knative", image, science))[0], func(text []byte) (Service, error) { return ParseKnative(text, true) }}
	table := cell.NewTable("data-science.yaml with", "is refused")
	defer table.Print(t.Output())
	for _, test := range []struct {
		wrongdoing
		of changeable
	}{
		{wrongdoing{"gVisor", "execution-environment: gen2", "execution-environment: gen1", "gen1, which is gVisor and has no Landlock: the profile data-science"}, cloudrun},
		{wrongdoing{"no word of the folder", "name: SANDBOX_WORKSPACE\n              value: /workspace", "name: SANDBOX_LOG_LEVEL\n              value: info", "mount a volume, and name it in SANDBOX_WORKSPACE"}, cloudrun},
		{wrongdoing{"a folder without a volume", "value: /workspace\n", "value: /tmp\n", "SANDBOX_WORKSPACE is /tmp, where no volume is mounted"}, knative},
		{wrongdoing{"a disk", volume, "emptyDir: {sizeLimit: 64Mi}", "the volume at /workspace is not in memory"}, knative},
		{wrongdoing{"a disk of the platform's", volume, "emptyDir: {sizeLimit: 64Mi}", "the volume at /workspace is not in memory"}, cloudrun},
		{wrongdoing{"a secret to work in", volume, "secret: {secretName: codecell-tokens}", "the volume at /workspace is "}, cloudrun},
		{wrongdoing{"no size", volume, "emptyDir: {medium: Memory}", "the volume at /workspace has no sizeLimit"}, knative},
		{wrongdoing{"no size there", volume, "emptyDir: {medium: Memory}", "the volume at /workspace has no sizeLimit"}, cloudrun},
		{wrongdoing{"another size", "sizeLimit: 64Mi", "sizeLimit: 1Gi", "the volume at /workspace has 1024 MiB, but the profile data-science says 64"}, knative},
		{wrongdoing{"nothing to be written", mount, mount + "              readOnly: true\n", "the volume at /workspace is read-only"}, cloudrun},
		{wrongdoing{"two at a time", "name: SANDBOX_WORKSPACE\n", "name: SANDBOX_MAX_CONCURRENCY\n              value: \"2\"\n            - name: SANDBOX_WORKSPACE\n", "does not start: sandbox: SANDBOX_WORKSPACE="}, cloudrun},
		{wrongdoing{"the memory of minimal", "value: 1920Mi", "value: 896Mi", "the server does not start: SANDBOX_MAX_CONCURRENCY=1 does not fit: 896 MiB limit"}, cloudrun},
		{wrongdoing{"no room for the volume", "value: 1920Mi", "value: 1700Mi", "- 64 MiB scratch = "}, cloudrun},
		{wrongdoing{"a request shorter than a run", "timeoutSeconds: 150\n", "timeoutSeconds: 60\n", "timeoutSeconds is 1m0s, but a program may run for 2m0s after a wait of 2s"}, cloudrun},
		{wrongdoing{"a grace without the quiet", "timeoutSeconds: 180\n", "timeoutSeconds: 150\n", "SIGKILL comes 2m30s after the order to stop, but the drain ends 2m36.7s after it"}, knative},
		{wrongdoing{"a drain that cuts runs short", "value: 125s\n", "value: 35s\n", "a program may run for 2m0s, but a drain kills it after 35s"}, knative},
	} {
		t.Run(test.name, func(t *testing.T) {
			service, err := test.of.parse(test.apply(t, test.of.right))
			if err == nil {
				err = Check(t.Context(), service, server)
			}
			table.Row(test.name, refused(t, err, test.want))
		})
	}
}

// A changeable is a manifest that is right, and its platform's way to read it.
type changeable struct {
	right []byte
	parse func([]byte) (Service, error)
}
