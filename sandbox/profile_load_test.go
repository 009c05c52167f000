package sandbox

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

// profileDir is a folder for profiles, and what writes one into it.
func profileDir(t *testing.T) (dir string, write func(name, text string) (file string)) {
	t.Helper()
	dir = t.TempDir()
	return dir, func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
}

func TestLoadProfileByPath(t *testing.T) {
	dir, write := profileDir(t)
	for _, name := range []string{"p.yaml", "p.yml", "p"} {
		if _, err := LoadProfile(write(name, validProfile)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Chdir(dir)
	if _, err := LoadProfile("p.yml"); err != nil {
		t.Errorf("relative: %v", err)
	}

	full := validProfile + "#" + strings.Repeat("x", maxProfile-len(validProfile)-1)
	if _, err := LoadProfile(write("full.yaml", full)); err != nil {
		t.Errorf("exactly 1 MiB: %v", err)
	}
	fifo := filepath.Join(dir, "fifo.yaml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{write("big.yaml", full+"x"), "larger than 1 MiB"},
		{write("bad.yaml", "name: tiny"), "bad.yaml:1:"},
		{filepath.Join(dir, "none.yaml"), "no such file"},
		{dir + "/", "not a regular file"},
		{fifo, "not a regular file"},
		{"absent", "the embedded ones are data-science, minimal, standard; a path contains a /"},
		{"", "no profile \"\""},
		{"..", "no profile \"..\""},
	} {
		if _, err := LoadProfile(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.path, err, tt.want)
		}
	}
}

func TestProfileExtends(t *testing.T) {
	_, write := profileDir(t)
	minimal, err := LoadProfile("minimal")
	if err != nil {
		t.Fatal(err)
	}
	p, err := LoadProfile(write("mine.yaml", "extends: minimal\nname: mine\nlimits: {memory_mib: 128}\nimports: [math, sys]\npolicy: {ast_scan: {names: []}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := *minimal
	want.Name, want.Limits.Memory, want.Imports, want.Policy.ASTScan.Names = "mine", 128, []string{"math", "sys"}, []string{}
	if !reflect.DeepEqual(*p, want) {
		t.Errorf("got  %+v\nwant %+v", *p, want)
	}
	// By a path beside it, and one over another.
	p, err = LoadProfile(write("theirs.yaml", "extends: ./mine.yaml\nname: theirs\ndescription: Theirs.\nzygote: {max_age: 1h}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want.Name, want.Description, want.Zygote.MaxAge = "theirs", "Theirs.", time.Hour
	if !reflect.DeepEqual(*p, want) {
		t.Errorf("got  %+v\nwant %+v", *p, want)
	}
	for _, tt := range []struct{ text, want string }{
		{"extends: minimal\n", "p.yaml:1:8: name is missing"},
		{"extends: nothing\nname: p\n", `p.yaml:1:10: extends: no profile "nothing"`},
		{"extends: ./none.yaml\nname: p\n", "p.yaml:1:10: extends: profile: stat "},
		{"extends: [minimal]\nname: p\n", "p.yaml:1:10: extends: want a profile's name"},
		{"extends: p.yaml\nname: p\n", "p.yaml extends itself"},
		{"", "want a document: it is empty"},
		{"extends: minimal\nname: p\nfigures: true\n", "give workspace_mib, or figures: false and read: []"},
		{"extends: minimal\nname: p\nimport: [sys]\n", `p.yaml:3:1: unknown key "import"`},
		{"extends: minimal\nname: p\nlimits: {memory_mb: 128}\n", `unknown key "memory_mb" in limits`},
		{"extends: minimal\nname: p\nlimits: {max_timeout: 5s}\n", "limits.max_timeout: 5s is less than the default_timeout of 10s that is inherited"},
		{"extends: minimal\nname: p\nlimits:\n", "limits: want a mapping, not null"},
		{"extends: minimal\nname: p\npolicy: {ast_scan: {mode: warn}}\n", "policy.ast_scan.mode: want one of"},
	} {
		if p, err := LoadProfile(write("p.yaml", tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %+v, error %v\nwant %q", tt.text, p, err, tt.want)
		}
	}
}
