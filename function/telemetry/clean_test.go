package telemetry

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                            "",
		"curl/7.88.1 (Ä; 漢)":          "curl/7.88.1 (Ä; 漢)",
		"a\nb\r\tc\x00\x1b[2J":        "a\ufffdb\ufffd\ufffdc\ufffd\ufffd[2J",
		"\xff\xc3":                    "\ufffd\ufffd",
		"a\u2028b\u2029\u202e":        "a\ufffdb\ufffd\ufffd",
		strings.Repeat("x", 41):       strings.Repeat("x", 40),
		strings.Repeat("x", 38) + "漢": strings.Repeat("x", 38), // none is cut in two
	} {
		if got := Clean(in, 40); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\nb\u2028\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s, 100)
		if !utf8.ValidString(got) || len(got) > 100 || strings.ContainsFunc(got, func(r rune) bool { return r != utf8.RuneError && !unicode.IsPrint(r) }) {
			t.Errorf("%q became %q", s, got)
		}
		if len(s) <= 30 && utf8.RuneCountInString(got) != utf8.RuneCountInString(s) {
			t.Errorf("%q lost characters: %q", s, got)
		}
	})
}

func FuzzCloudTrace(f *testing.F) {
	for _, seed := range []string{"105445aa7843bc8bf206b12000100000/1;o=1", "105445aa7843bc8bf206b12000100000/18446744073709551615;o=3", "/;", "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		found, ok := parseCloudTrace(header)
		if ok != found.IsValid() {
			t.Errorf("%q: ok %t, valid %t", header, ok, found.IsValid())
		}
		if ok && !strings.HasPrefix(header, found.TraceID().String()+"/") {
			t.Errorf("%q became %v", header, found)
		}
	})
}
