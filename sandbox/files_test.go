package sandbox

import (
	"path"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckFileNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 255)
	for _, c := range []struct {
		names string // with a | between them
		at    int
		want  string // in the error; empty if they are fine
	}{
		{"a|b/c|b/d|B/c| b|é.csv|日本/表.csv|...|..a|-rf|" + long, 0, ""},
		{"a/b/c/d/e/f/g/h", 0, ""},
		{"", 0, "1 to 255 bytes"},
		{long + "a", 0, "1 to 255 bytes"},
		{"/etc/passwd", 0, "relative path"},
		{"a|../b", 1, "relative path"},
		{"..", 0, "relative path"},
		{".", 0, "relative path"},
		{"a/../b", 0, "relative path"},
		{"a/./b", 0, "relative path"},
		{"a//b", 0, "relative path"},
		{"a/", 0, "relative path"},
		{"./a", 0, "relative path"},
		{`a\b`, 0, "no backslash"},
		{"a\nb", 0, "visible characters"},
		{"a\x00b", 0, "visible characters"},
		{"a\u00a0b", 0, "visible characters"},   // no-break space
		{"a\u200bb", 0, "visible characters"},   // zero-width space
		{"a\u202efdp", 0, "visible characters"}, // written from right to left
		{"a\ufeff", 0, "visible characters"},
		{"e\u0301", 0, "composed form"},
		{"a\xff", 0, "composed form"},
		{"\u212b", 0, "composed form"}, // the sign of the angstrom, which is not Å
		{"a/b/c/d/e/f/g/h/i", 0, "8 parts"},
		{"a|b|a", 2, "another file has this name"},
		{"a|a/b", 1, "the name of its folder"},
		{"a/b|a", 1, "this name for its folder"},
		{"a/b/c|x|a/b", 2, "this name for its folder"},
	} {
		at, err := CheckFileNames(strings.Split(c.names, "|"))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %d: %v", c.names, at, err)
		case c.want != "" && (err == nil || at != c.at || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %d: %v; want %d: %s", c.names, at, err, c.at, c.want)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pattern, matches, not string }{
		{"*", "a b", "a/b"},
		{"*.csv", "a.csv .csv", "a.CSV a.csv.gz b/a.csv"},
		{"out/*", "out/a", "out out/a/b a"},
		{"**", "a a/b a/b/c", ""},
		{"**/*.txt", "a.txt a/b.txt a/b/c.txt", "a.csv a/b"},
		{"a/**", "a a/b a/b/c", "b b/a"},
		{"a/**/z", "a/z a/b/z a/b/c/z", "a z a/b"},
		{"[ab]?", "a1 bb", "c1 a abc"},
		{"**/x/**", "x x/y a/x a/x/y", "a xx"},
		{`\*`, "*", "a"},
	} {
		if err := CheckPattern(c.pattern); err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		}
		for name := range strings.FieldsSeq(c.matches) {
			if !MatchOutput(c.pattern, name) {
				t.Errorf("%s does not match %s", c.pattern, name)
			}
		}
		for name := range strings.FieldsSeq(c.not) {
			if MatchOutput(c.pattern, name) {
				t.Errorf("%s matches %s", c.pattern, name)
			}
		}
	}
	for pattern, want := range map[string]string{
		"": "1 to 255 bytes", strings.Repeat("*", 256): "1 to 255 bytes", "/a": "relative path", "../*": "relative path", "a/../b": "relative path",
		"a/": "relative path", ".": "relative path", "[a": "class of characters", `a\`: "class of characters",
		"**/**/**": "2 of them", "a/b/c/d/e/f/g/h/i": "8 parts",
		"*a*a*a*a*": "4 times *", "[!a]": "[^",
	} {
		if err := CheckPattern(pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
	}
}

// FuzzFileNames: a name that is taken stays within its folder, whatever it is; and a
// pattern that is taken is matched without an error.
func FuzzFileNames(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "../a", "/a", "a\\b", "**/*", "[a-", "e\u0301", "a\u202eb", "a//b", "\xff"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, name, pattern string) {
		if CheckFileName(name) == nil {
			const folder = "/workspace/x"
			if joined := path.Join(folder, name); !strings.HasPrefix(joined, folder+"/") || joined != folder+"/"+name {
				t.Errorf("%q is %q", name, joined)
			}
			if !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\n\\") {
				t.Errorf("%q", name)
			}
		}
		if CheckPattern(pattern) == nil {
			for part := range strings.SplitSeq(pattern, "/") {
				if _, err := path.Match(part, name); err != nil {
					t.Errorf("%q: %v", pattern, err)
				}
			}
			MatchOutput(pattern, name)
		}
	})
}
