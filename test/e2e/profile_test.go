//go:build e2e && linux

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
)

// A change of a profile is named by the way to it: "zygote", "max_runs".
type change struct {
	value any
	path  []string
}

// profile writes a copy of the profile minimal with one change, and returns its
// path for SANDBOX_PROFILE.
func profile(t *testing.T, value any, path ...string) string {
	t.Helper()
	return profileWith(t, change{value, path})
}

func profileWith(t *testing.T, changes ...change) string {
	t.Helper()
	text, err := os.ReadFile("../../sandbox/profiles/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		at := document
		for _, name := range c.path[:len(c.path)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				t.Fatalf("profile minimal has no %s of %q", name, c.path)
			}
			at = next
		}
		last := c.path[len(c.path)-1]
		if _, ok := at[last]; !ok {
			t.Fatalf("profile minimal has no %q", c.path)
		}
		at[last] = c.value
	}
	document["name"] = "e2e"
	if text, err = yaml.Marshal(document); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(publicDir(t), "e2e.yaml")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
