//go:build linux

package memory

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// routes returns the first column of docs/memory.md's two tables of routes.
func routes(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/memory.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	inside := false
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "| route |"):
			inside = true
		case !strings.HasPrefix(line, "|"):
			inside = false
		case inside && !strings.HasPrefix(line, "|---"):
			found = append(found, strings.TrimSpace(strings.Split(line, "|")[1]))
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d routes: %q", len(found), found)
	}
	return found
}

// TestEveryRouteIsTried compares both ways: an attack without a line is a gap in
// the tables, a line without an attack is a promise that nobody has tried.
func TestEveryRouteIsTried(t *testing.T) {
	t.Parallel()
	attacks, err := Corpus()
	if err != nil {
		t.Fatal(err)
	}
	tried := make(map[string]bool)
	known := routes(t)
	for _, a := range attacks {
		if a.Name == SoakName {
			if a.Route != everyRoute {
				t.Errorf("the soak is for %q", a.Route)
			}
			continue
		}
		i := slices.IndexFunc(known, func(r string) bool { return strings.HasPrefix(r, a.Route) })
		if i < 0 {
			t.Errorf("%s: no line of docs/memory.md begins with %q", a.Name, a.Route)
			continue
		}
		tried[known[i]] = true
	}
	for _, r := range known {
		if !tried[r] {
			t.Errorf("no attack tries %q", r)
		}
	}
}

func TestParseProgram(t *testing.T) {
	t.Parallel()
	const good = "# route: a route\n# ends: ok, memory_error\n# outside: 12 MiB\nprint(1)\n"
	a, err := parseProgram(good)
	if err != nil {
		t.Fatal(err)
	}
	if a.Route != "a route" || !slices.Equal(a.Ends, []End{OK, MemoryError}) || a.Outside != 12 || a.Program != "print(1)\n" || a.Needs != Nothing {
		t.Errorf("%+v", a)
	}
	a, err = parseProgram(strings.Replace(good, "print", "# needs: files\nprint", 1))
	if err != nil || a.Needs != Files || a.Program != "print(1)\n" {
		t.Errorf("%+v, %v", a, err)
	}
	a, err = parseProgram(strings.Replace(good, "print", "# needs: files\n# limit: met\nprint", 1))
	if err != nil || !a.MeetsLimit || a.Program != "print(1)\n" {
		t.Errorf("%+v, %v", a, err)
	}
	for _, bad := range []struct{ old, new string }{
		{"# route: a route\n", ""},
		{"# route: a route", "# route: "},
		{"# route: a route", "#route: a route"},
		{"a route", "a route "},
		{"ok, memory_error", "ok,memory_error"},
		{"ok, memory_error", "ok, ok"},
		{"ok, memory_error", "fine"},
		{"ok, memory_error", ""},
		{"12 MiB", "12"},
		{"12 MiB", "0 MiB"},
		{"12 MiB", "-1 MiB"},
		{"12 MiB", "12 GiB"},
		{"print(1)\n", "\n"},
		{"print(1)\n", "# needs: wings\nprint(1)\n"},
		{"print(1)\n", "# needs: \nprint(1)\n"},
		{"print(1)\n", "# needs: files\n"},
		{good, ""},
	} {
		text := strings.Replace(good, bad.old, bad.new, 1)
		if text == good {
			t.Fatalf("%q changes nothing", bad.old)
		}
		if a, err := parseProgram(text); err == nil {
			t.Errorf("%q is taken: %+v", text, a)
		}
	}
}
