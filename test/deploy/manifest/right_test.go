//go:build linux

package manifest

import (
	"strings"
	"testing"
)

// deployed are a profile and a name for the service.
var deployed = []struct{ profile, name string }{{"", "codecell"}, {"", "cell-2"}, {"data-science", "charts"}}

// What make would apply to Cloud Run is right, of both profiles, under its own name and another.
func TestCloudRun(t *testing.T) {
	for _, d := range deployed {
		name := d.name
		t.Run(strings.TrimPrefix(d.profile+"/"+name, "/"), func(t *testing.T) {
			if d.profile != "" {
				requireScience(t)
			}
			text := made(t, "deploy-cloudrun", image, project, region, "PROFILE="+d.profile, "NAME="+name)
			service, err := ParseCloudRun(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := Check(t.Context(), service, server); err != nil {
				t.Error(err)
			}
			if service.Name != name || service.Account != "codecell-no-roles@my-project.iam.gserviceaccount.com" {
				t.Errorf("the service is %q with the account %q", service.Name, service.Account)
			}
			filledIn(t, text)
		})
	}
}

// The same of Knative, whether a cluster restricts pods by default or not.
func TestKnative(t *testing.T) {
	for _, d := range deployed {
		name := d.name
		for cluster, restricted := range map[string]bool{"as delivered": false, "secure pod defaults": true} {
			t.Run(strings.TrimPrefix(d.profile+"/"+name+"/"+cluster, "/"), func(t *testing.T) {
				if d.profile != "" {
					requireScience(t)
				}
				text := made(t, "deploy-knative", image, "PROFILE="+d.profile, "NAME="+name)
				parts := documents(text)
				if len(parts) != 2 {
					t.Fatalf("%d documents, want a service and a network policy", len(parts))
				}
				service, err := ParseKnative(parts[0], restricted)
				if err != nil {
					t.Fatal(err)
				}
				if err := Check(t.Context(), service, server); err != nil {
					t.Error(err)
				}
				policy, err := ParseNetworkPolicy(parts[1])
				if err != nil {
					t.Fatal(err)
				}
				if err := CheckPolicy(policy, service); err != nil {
					t.Error(err)
				}
				if service.Name != name || policy.Name != name {
					t.Errorf("the service is %q, the policy %q", service.Name, policy.Name)
				}
				filledIn(t, text)
			})
		}
	}
}

// filledIn looks for placeholders that are still there.
func filledIn(t *testing.T, text []byte) {
	t.Helper()
	for line := range strings.Lines(string(text)) {
		said, _, _ := strings.Cut(line, "#")
		if strings.Contains(said, "IMAGE") || strings.Contains(said, "PROJECT") {
			t.Errorf("not filled in: %s", line)
		}
	}
	if !strings.Contains(string(text), strings.TrimPrefix(image, "IMAGE=")+"\n") {
		t.Error("the image is not in it")
	}
}

// What is commented out, the tokens, is right too when it is not.
func TestWithTokens(t *testing.T) {
	uncomment := func(text []byte) []byte {
		var out strings.Builder
		for line := range strings.Lines(string(text)) {
			indent, rest, found := strings.Cut(line, "# ")
			yaml := strings.TrimSpace(rest)
			begins := []string{
				"- name: SANDBOX_TOKENS_FILE", "value: /secrets", "volumeMounts:", "- name: tokens", "mountPath:",
				"readOnly:", "volumes:", "secret:", "secretName:", "items:", "- {key:",
			}
			for _, begin := range begins {
				if found && strings.TrimSpace(indent) == "" && strings.HasPrefix(yaml, begin) {
					line = indent + rest
				}
			}
			out.WriteString(line)
		}
		return []byte(out.String())
	}
	for name, parse := range map[string]func() (Service, error){
		"cloudrun": func() (Service, error) {
			return ParseCloudRun(uncomment(made(t, "deploy-cloudrun", image, project, region)))
		},
		"knative": func() (Service, error) {
			return ParseKnative(documents(uncomment(made(t, "deploy-knative", image)))[0], true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			service, err := parse()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := service.Env["SANDBOX_TOKENS_FILE"], "/secrets/tokens/tokens"; got != want {
				t.Fatalf("SANDBOX_TOKENS_FILE is %q, want %q", got, want)
			}
			// Whether the file is there is not doctor's question: it is the function that reads it.
			if err := Check(t.Context(), service, server); err != nil {
				t.Error(err)
			}
		})
	}
}

// make refuses values that would not be a name in YAML, and says which.
func TestValuesNeeded(t *testing.T) {
	tests := []struct {
		name, target string
		variables    []string
		want         string
	}{
		{"no image", "deploy-knative", nil, "IMAGE="},
		{"an image with a space", "deploy-knative", []string{"IMAGE=a b"}, "IMAGE="},
		{"an image with a quote", "deploy-knative", []string{`IMAGE=a"b`}, "IMAGE="},
		{"a command in the name", "deploy-knative", []string{image, "NAME=x;id"}, "NAME="},
		{"a profile without a manifest", "deploy-knative", []string{image, "PROFILE=minimal"}, "no manifest for this PROFILE"},
		{"a pattern for a profile", "deploy-cloudrun", []string{image, project, region, "PROFILE=*"}, "no manifest for this PROFILE"},
		{"a command in the profile", "deploy-knative", []string{image, "PROFILE=service;id"}, "no manifest for this PROFILE"},
		{"the policy for a profile", "deploy-knative", []string{image, "PROFILE=networkpolicy"}, "no manifest for this PROFILE"},
		{"no project", "deploy-cloudrun", []string{image, region}, "PROJECT="},
		{"no region", "deploy-cloudrun", []string{image, project}, "REGION="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := makes(t, test.target, test.variables...)
			if err == nil || !strings.Contains(string(out), test.want) || strings.Contains(string(out), "apiVersion") {
				t.Errorf("%v, and it said:\n%s", err, out)
			}
		})
	}
}
