package mutant

import (
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	t.Chdir("../..")
	files, err := Apply([]Edit{
		Replace("Dockerfile", "ENTRYPOINT", "EDITED"),
		Replace("Dockerfile", "EDITED", "TWICE"), // on what the first has left
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := files["Dockerfile"]; !strings.Contains(text, "TWICE") || strings.Contains(text, "ENTRYPOINT") {
		t.Errorf("%q", text)
	}
	for name, e := range map[string]Edit{
		"nowhere": Replace("Dockerfile", "no such text", ""),
		"twice":   Replace("Dockerfile", "\n", ""),
		"no file": Replace("no such file", "x", ""),
	} {
		if files, err := Apply([]Edit{e}); err == nil {
			t.Errorf("%s: %v", name, files)
		}
	}
}
