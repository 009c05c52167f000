//go:build e2e && linux

package image

import (
	"debug/elf"
	"encoding/json"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// config is what a platform reads in an image.
type config struct {
	Architecture, Os string
	Config           struct {
		User            string
		Env, Entrypoint []string
		Cmd             []string
		ExposedPorts    map[string]any
		Volumes         map[string]any
		Labels          map[string]string
	}
}

func inspect(t *testing.T, name string) config {
	t.Helper()
	out, err := ask(podman(t.Context(), "image", "inspect", name))
	if err != nil {
		t.Fatal(err)
	}
	var all []config
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	return all[0]
}

// TestConfig: who it runs as, what it starts, and where it comes from.
func TestConfig(t *testing.T) {
	c := inspect(t, requireImage(t))
	if c.Os != "linux" || c.Architecture != runtime.GOARCH {
		t.Errorf("it is for %s/%s", c.Os, c.Architecture)
	}
	if c.Config.User != "65532:65532" {
		t.Errorf("user %q: a pod that must not run as root is checked by the number", c.Config.User)
	}
	if start := strings.Join(append(c.Config.Entrypoint, c.Config.Cmd...), " "); start != "/usr/local/bin/codecell serve" {
		t.Errorf("it starts %q", start)
	}
	if _, ok := c.Config.ExposedPorts["8080/tcp"]; !ok || len(c.Config.Volumes) > 0 {
		t.Errorf("ports %v, volumes %v", c.Config.ExposedPorts, c.Config.Volumes)
	}
	for _, label := range []string{"version", "revision", "source", "licenses", "title"} {
		if c.Config.Labels["org.opencontainers.image."+label] == "" {
			t.Errorf("no label org.opencontainers.image.%s", label)
		}
	}
}

// TestWeight: less than 60 MB above its base.
func TestWeight(t *testing.T) {
	name := requireImage(t)
	size, err := Size(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	base, err := Size(t.Context(), Base(runtime.GOARCH))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("image %.1f MB, base %.1f MB", float64(size)/MB, float64(base)/MB)
	if err := Weigh(size, base); err != nil {
		t.Error(err)
	}
}

// TestPackages: what the build argument names can be imported.
func TestPackages(t *testing.T) {
	const name, program = tested + "-packages", "import sys, yaml; print(yaml.__with_libyaml__)"
	without := requireImage(t)
	if err := buildAs(Options{Name: name, Arch: runtime.GOARCH, Packages: "python3-yaml"}); err != nil {
		t.Fatal(err)
	}
	if out, err := inside(t, name, "/usr/bin/python3", "-c", program); err != nil || out != "True" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := inside(t, without, "/usr/bin/python3", "-c", program); err == nil || !strings.Contains(err.Error(), "No module named 'yaml'") {
		t.Errorf("without the argument: %q, %v", out, err)
	}
	if faults := faults(t, mounted(t, name)); len(faults) > 0 {
		t.Errorf("%d faults: %q", len(faults), faults)
	}
}

// TestForeign: the image for the other architecture has that one's programs, and
// its binary starts.
func TestForeign(t *testing.T) {
	arch, machine := "arm64", elf.EM_AARCH64
	if runtime.GOARCH == arch {
		arch, machine = "amd64", elf.EM_X86_64
	}
	name := tested + "-" + arch
	requireImage(t)
	requireForeign(t, arch)
	if err := buildAs(Options{Name: name, Arch: arch}); err != nil {
		t.Fatal(err)
	}
	if c := inspect(t, name); c.Architecture != arch {
		t.Errorf("it is for %s", c.Architecture)
	}
	root := mounted(t, name)
	for _, program := range []string{"usr/local/bin/codecell", "usr/bin/python3"} {
		path, err := filepath.EvalSymlinks(filepath.Join(root, program))
		if err != nil {
			t.Fatal(err)
		}
		file, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if file.Machine != machine {
			t.Errorf("%s is for %v", program, file.Machine)
		}
		file.Close()
	}
	if out, err := inside(t, name, "/usr/local/bin/codecell", "version"); err != nil || !strings.HasSuffix(out, " linux/"+arch) {
		t.Errorf("codecell version: %q, %v", out, err)
	}
	if out, err := inside(t, name, "/usr/bin/python3", "-c", "print(6*7)"); err != nil || out != "42" {
		t.Errorf("python3: %q, %v", out, err)
	}
}
