//go:build e2e && linux

package image

import (
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/jsonschema/v6"
)

// A component is one thing in the image.
type component struct{ Name, Version, PURL string }

// TestSBOM: the list is what it says it is, and names every Go module, every
// Debian package and the interpreter.
func TestSBOM(t *testing.T) {
	name := requireImage(t)
	file := filepath.Join(t.TempDir(), "image.cdx.json")
	if err := WriteSBOM(t.Context(), Options{Name: name, Progress: t.Logf}, file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, text)
	var sbom struct{ Components []component }
	if err := json.Unmarshal(text, &sbom); err != nil {
		t.Fatal(err)
	}
	have := make(map[string]bool)
	for _, c := range sbom.Components {
		kind, _, _ := strings.Cut(strings.TrimPrefix(c.PURL, "pkg:"), "/")
		have[kind+" "+c.Name+" "+c.Version] = true
	}
	want := contents(t, mounted(t, name))
	for _, w := range want {
		if !have[w] {
			t.Errorf("not in the list: %s", w)
		}
	}
	t.Logf("%d components; %d of them looked for", len(sbom.Components), len(want))
}

// contents lists what is in the image by other means: by what go version -m
// prints, by dpkg's list, and by asking the interpreter.
func contents(t *testing.T, root string) (all []string) {
	t.Helper()
	info, err := buildinfo.ReadFile(filepath.Join(root, "usr/local/bin/codecell"))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Deps) == 0 || info.Main.Path != "codecell" {
		t.Fatalf("the binary does not say what it is made of: %v", info)
	}
	all = append(all, "golang stdlib "+info.GoVersion)
	for _, dep := range info.Deps {
		all = append(all, "golang "+dep.Path+" "+dep.Version)
	}
	status, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	packages := 0
	for stanza := range strings.SplitSeq(string(status), "\n\n") {
		var pkg, version string
		for line := range strings.Lines(stanza) {
			switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
			case "Package":
				pkg = value
			case "Version":
				version = value
			}
		}
		if pkg != "" {
			packages++
			all = append(all, "deb "+pkg+" "+version)
		}
	}
	if packages < 20 {
		t.Fatalf("dpkg lists %d packages", packages)
	}
	version, err := inside(t, tested, "/usr/bin/python3", "-c", "import platform; print(platform.python_version())")
	if err != nil {
		t.Fatal(err)
	}
	return append(all, "generic python "+version)
}

// schemas is the Go module that has CycloneDX's own schemas in its files.
const schemas = "github.com/CycloneDX/cyclonedx-go@v0.12.0"

// valid holds the list to CycloneDX's schema. A list without its format is not valid.
func valid(t *testing.T, text []byte) {
	t.Helper()
	out, err := ask(exec.CommandContext(t.Context(), "go", "mod", "download", "-json", schemas))
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	for name, schema := range map[string]any{
		"bom-1.6.schema.json":  document(t, filepath.Join(module.Dir, "schema/bom-1.6.schema.json")),
		"jsf-0.82.schema.json": document(t, filepath.Join(module.Dir, "schema/jsf-0.82.schemax.json")),
		// The names of licences. The module's list is older than some that syft knows.
		"spdx.schema.json": map[string]any{"type": "string"},
	} {
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(text []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
	if err := check(text); err != nil {
		t.Errorf("not CycloneDX 1.6: %v", err)
	}
	if check(bytes.Replace(text, []byte(`"bomFormat":"CycloneDX"`), []byte(`"bomFormat":"Other"`), 1)) == nil {
		t.Error("control: a list of another format is as valid")
	}
}

func document(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
