//go:build linux

package sandbox

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// What a profile allows works in a run, which can't open a file, as it does for
// everybody else: each program here is run in the jail and by the same interpreter
// outside, and must print the same and end with the same status.
//
//go:embed testdata/allowed/*.py
var allowed embed.FS

func TestAllowedWorksInside(t *testing.T) {
	t.Parallel()
	s := start(t, func(p *Profile, cfg *Config) {
		observe(p, cfg)
		cfg.Log = slog.New(slog.DiscardHandler) // what the policy observes
	})
	// The names are asked of the interpreter, so that none is forgotten.
	codecs := asked(t, s, "import encodings, pkgutil\nfor m in pkgutil.iter_modules(encodings.__path__): print(m.name)")
	modules := asked(t, s, fmt.Sprintf(`
import importlib, pkgutil
for name in "%s".split():
    print(name)
    for beneath in pkgutil.iter_modules(getattr(importlib.import_module(name), "__path__", [])):
        print(name + "." + beneath.name)
`, strings.Join(s.Profile().Imports, " ")))
	modules = append(modules, "collections.abc")

	var mu sync.Mutex
	var table strings.Builder
	compare := func(t *testing.T, name, file, placeholder, value string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := allowed.ReadFile("testdata/allowed/" + file + ".py")
			if err != nil {
				t.Fatal(err)
			}
			code := strings.ReplaceAll(string(text), placeholder, value)
			want, got := saidOutside(t, s, code), saidInside(t, s, code)
			if got.exit != want.exit {
				t.Errorf("exit status %d, outside %d", got.exit, want.exit)
			}
			differ(t, "stdout", got.stdout, want.stdout)
			differ(t, "stderr", got.stderr, want.stderr)
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&table, "%-24s %5d lines\n", name, strings.Count(got.stdout, "\n"))
		})
	}
	t.Run("same", func(t *testing.T) {
		compare(t, "looked up late", "late", "@NONE@", "")
		compare(t, fmt.Sprintf("%d codecs", len(codecs)), "codecs", "@NAMES@", fmt.Sprintf("%q.split()", strings.Join(codecs, " ")))
		for _, m := range modules {
			compare(t, m, "functions", "@MODULE@", m)
		}
	})
	t.Logf("the same inside the jail and outside, Python %s; a line for each function, method or codec:\n%s", s.Interpreter().Version, &table)
}

// The time zone is the server's, and its rules are known without its file.
func TestTimeZoneInside(t *testing.T) {
	for _, zone := range []string{"Asia/Kolkata", ":Europe/Zurich", "CET-1CEST,M3.5.0,M10.5.0/3", "Nowhere/Atlantis"} {
		t.Setenv("TZ", zone)
		s := start(t, small)
		const code = `
import datetime, time
for month in 1, 7:
    local = datetime.datetime(2024, month, 1, 12).astimezone()
    print(local, local.tzname(), local.strftime("%Z %z"), time.tzname)
`
		want, got := saidOutside(t, s, code), saidInside(t, s, code)
		if got != want || got.exit != 0 {
			t.Errorf("%s: inside %+v, outside %+v", zone, got, want)
		}
	}
}

// spoken is how a program spoken and what it printed.
type spoken struct {
	exit           int
	stdout, stderr string
}

// saidInside runs the program in a sandbox.
func saidInside(t *testing.T, s *Sandbox, code string) spoken {
	t.Helper()
	res, err := s.Run(t.Context(), Job{Code: code, Limits: Limits{Timeout: 30 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Stdout.Truncated || res.Stderr.Truncated {
		t.Fatal("it prints too much to be compared")
	}
	return spoken{res.ExitCode, string(res.Stdout.Data), string(res.Stderr.Data)}
}

// saidOutside runs the program as a file, by the same interpreter.
func saidOutside(t *testing.T, s *Sandbox, code string) spoken {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.py"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.Interpreter().Path, "-I", "-B", "-X", "utf8", "main.py")
	cmd.Dir, cmd.Env = dir, runtimeEnv(new(Profile), "")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var failed *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	bare := strings.NewReplacer(dir+"/", "")
	return spoken{cmd.ProcessState.ExitCode(), bare.Replace(stdout.String()), bare.Replace(stderr.String())}
}

// asked are the lines that a program prints outside.
func asked(t *testing.T, s *Sandbox, code string) []string {
	t.Helper()
	end := saidOutside(t, s, code)
	if end.exit != 0 {
		t.Fatal(end.stderr)
	}
	return strings.Fields(end.stdout)
}

var anAddress = regexp.MustCompile("0x[0-9a-f]+")

// differ names the first lines that are not the same.
func differ(t *testing.T, what, got, want string) {
	t.Helper()
	got, want = anAddress.ReplaceAllString(got, "0x"), anAddress.ReplaceAllString(want, "0x")
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	shown := 0
	for i := range max(len(g), len(w)) {
		var a, b string
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a == b {
			continue
		}
		t.Errorf("%s, line %d:\n inside  %.300s\n outside %.300s", what, i+1, a, b)
		if shown++; shown == 5 {
			return
		}
	}
}
