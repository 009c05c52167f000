package telemetry

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns text that somebody else chose in a form that can go into a line
// of a log, an attribute, a label: valid UTF-8, without characters that are not
// printed (line ends and U+2028 among them), cut to most bytes.
//
// One invalid byte in an attribute would otherwise lose the whole export that
// its span is in: protobuf refuses to encode it.
func Clean(s string, most int) string {
	var b strings.Builder
	for _, r := range s {
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		if b.Len()+utf8.RuneLen(r) > most {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
