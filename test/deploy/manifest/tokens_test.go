//go:build linux

package manifest

import (
	"bytes"
	"path"
	"regexp"
	"testing"

	"google.golang.org/api/run/v1"
	servingv1 "knative.dev/serving/pkg/apis/serving/v1"
)

// commented is a line that is YAML but for its comment sign; prose begins with a
// capital letter, or goes on from such a line.
var commented = regexp.MustCompile(`(?m)^( *)# (volumes:|volumeMounts:|(?:  )*(?:- (?:name|mountPath|\{key)|name:|value: /|mountPath:|readOnly:|secret:|secretName:|items:).*)$`)

// withTokens is a manifest after somebody has done as it says: the comment signs before
// SANDBOX_TOKENS_FILE and the volume are gone.
func withTokens(t *testing.T, manifest []byte) []byte {
	t.Helper()
	text := commented.ReplaceAll(manifest, []byte("$1$2"))
	if bytes.Contains(manifest, []byte("\n            - name: SANDBOX_TOKENS_FILE")) || !bytes.Contains(text, []byte("\n            - name: SANDBOX_TOKENS_FILE")) {
		t.Fatal("want SANDBOX_TOKENS_FILE in a comment, to be taken out of it")
	}
	return text
}

// wantMounted fails the test unless the server's file is in a folder that is a secret's.
// A file mounted by itself (subPath) would never change.
func wantMounted(t *testing.T, file string, mounts map[string]string, secrets map[string]bool) {
	t.Helper()
	volume, ok := mounts[path.Dir(file)]
	if file == "" || !ok || !secrets[volume] {
		t.Errorf("SANDBOX_TOKENS_FILE=%q is in no mounted secret: mounts %v, secrets %v", file, mounts, secrets)
	}
}

func TestTokensOnCloudRun(t *testing.T) {
	text := withTokens(t, made(t, "deploy-cloudrun", image, project, region))
	service, err := ParseCloudRun(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := Check(t.Context(), service, server); err != nil {
		t.Error(err)
	}
	var s run.Service
	if err := strictly(text, &s); err != nil {
		t.Fatal(err)
	}
	spec := s.Spec.Template.Spec
	mounts, secrets := map[string]string{}, map[string]bool{}
	for _, m := range spec.Containers[0].VolumeMounts {
		mounts[m.MountPath] = m.Name
	}
	for _, v := range spec.Volumes {
		// The newest version, under the name that the server is told.
		secrets[v.Name] = v.Secret != nil && v.Secret.SecretName != "" && len(v.Secret.Items) == 1 && v.Secret.Items[0].Key == "latest" &&
			v.Secret.Items[0].Path == path.Base(service.Env["SANDBOX_TOKENS_FILE"])
	}
	wantMounted(t, service.Env["SANDBOX_TOKENS_FILE"], mounts, secrets)
}

func TestTokensOnKnative(t *testing.T) {
	text := documents(withTokens(t, made(t, "deploy-knative", image)))[0]
	for name, restricted := range map[string]bool{"restricted": true, "as delivered": false} {
		service, err := ParseKnative(text, restricted)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if err := Check(t.Context(), service, server); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var s servingv1.Service
	if err := strictly(text, &s); err != nil {
		t.Fatal(err)
	}
	container := s.Spec.Template.Spec.Containers[0]
	mounts, secrets, file := map[string]string{}, map[string]bool{}, ""
	for _, v := range container.Env {
		if v.Name == "SANDBOX_TOKENS_FILE" {
			file = v.Value
		}
	}
	for _, m := range container.VolumeMounts {
		if m.SubPath == "" {
			mounts[m.MountPath] = m.Name
		}
	}
	for _, v := range s.Spec.Template.Spec.Volumes {
		secrets[v.Name] = v.Secret != nil && v.Secret.SecretName != ""
	}
	wantMounted(t, file, mounts, secrets)
}

// TestTokensWithoutTheVolume: who takes out one comment and forgets the other is told.
func TestTokensWithoutTheVolume(t *testing.T) {
	text := withTokens(t, made(t, "deploy-knative", image))
	at, end := bytes.Index(text, []byte("\n      volumes:\n")), bytes.Index(text, []byte("\n---\n"))
	if at < 0 || end < at {
		t.Fatalf("no volumes:\n%s", text)
	}
	_, err := ParseKnative(text[:at+1], true)
	refused(t, err, "volumeMount has no matching volume")
}
