//go:build linux

package manifest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is applied is what DRY_RUN=1 prints, to the place that was named. The
// platforms' own commands are stood in for by a script that keeps what it gets.
func TestApplies(t *testing.T) {
	tests := []struct {
		target, command string
		variables       []string
		want            string // the command's arguments; FILE is the manifest
	}{
		{
			"deploy-cloudrun", "gcloud",
			[]string{image, project, region, "NAME=cell-2"},
			"run services replace FILE --project my-project --region europe-west1",
		},
		{
			"deploy-knative", "kubectl",
			[]string{image, "NAME=cell-2", "NAMESPACE=sandboxes"},
			"apply --namespace sandboxes -f FILE",
		},
		{
			"deploy-knative", "kubectl",
			[]string{image, science, "NAME=charts"},
			"apply --namespace default -f FILE",
		},
	}
	for _, test := range tests {
		t.Run(strings.Join(append([]string{test.target}, test.variables...), " "), func(t *testing.T) {
			dir := t.TempDir()
			script := "#!/bin/sh\necho \"$@\" > " + dir + "/arguments\n" +
				"for a in \"$@\"; do case $a in *.yaml) cat \"$a\" > " + dir + "/manifest;; esac; done\n"
			if err := os.WriteFile(filepath.Join(dir, test.command), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"--silent", "--no-print-directory", "-C", "../../..", test.target}, test.variables...)
			cmd := exec.CommandContext(t.Context(), "make", args...)
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("make %s: %v\n%s", test.target, err, out)
			}
			applied, err := os.ReadFile(filepath.Join(dir, "manifest"))
			if err != nil {
				t.Fatal(err)
			}
			if shown := made(t, test.target, test.variables...); !bytes.Equal(applied, shown) {
				t.Errorf("applied:\n%s\nshown by DRY_RUN=1:\n%s", applied, shown)
			}
			said, err := os.ReadFile(filepath.Join(dir, "arguments"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for arg := range strings.FieldsSeq(string(said)) {
				if strings.HasSuffix(arg, ".yaml") {
					arg = "FILE"
				}
				got = append(got, arg)
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("%s %s, want %s", test.command, strings.Join(got, " "), test.want)
			}
		})
	}
}
