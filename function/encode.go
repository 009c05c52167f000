package function

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"codecell/sandbox"

	"github.com/go-json-experiment/json/jsontext"
)

// truncationNote follows a stream of which more was printed than is kept.
const truncationNote = "\n[output truncated at 50 KB]"

// encodeResult is the answer to a program that ran. It holds no memory of
// result's, which may then be garbage before the answer is written, unless that
// is sent in events.
//
// The body is put together by hand because of the streams: they are bytes, which
// need not be UTF-8, and a JSON library would copy each of them several times.
func encodeResult(result sandbox.Result, timeout, waited time.Duration) reply {
	stdout := text(result.Stdout)
	stderr := text(result.Stderr)
	if result.TimedOut {
		if n := len(stderr); n > 0 && stderr[n-1] != '\n' {
			stderr = append(stderr, '\n')
		}
		stderr = append(stderr, "Execution timed out after "+pythonFloat(timeout.Seconds())+"s"...)
	}

	const others = 1024 // everything but the streams; six bytes for each of theirs is \u0000
	b := make([]byte, 0, 6*(len(stdout)+len(stderr))+others+filesLength(result.Files))
	b = append(b, `{"stdout":`...)
	b = appendText(b, stdout)
	b = append(b, `,"stderr":`...)
	b = appendText(b, stderr)
	b = append(b, `,"exit_code":`...)
	b = strconv.AppendInt(b, int64(result.ExitCode), 10)
	b = append(b, `,"timed_out":`...)
	b = strconv.AppendBool(b, result.TimedOut)
	b = append(b, `,"outcome":`...)
	b = appendText(b, []byte(result.Outcome))
	b = append(b, `,"truncated":{"stdout":`...)
	b = strconv.AppendBool(b, result.Stdout.Truncated)
	b = append(b, `,"stderr":`...)
	b = strconv.AppendBool(b, result.Stderr.Truncated)
	b = append(b, '}')
	if result.Denied != nil {
		b = append(b, `,"denied":`...)
		b = appendNames(b, result.Denied)
	}
	if result.Files != nil {
		b = append(b, `,"files":`...)
		b = appendFiles(b, result.Files)
	}
	b = append(b, `,"usage":{"wall_ms":`...)
	b = appendMillis(b, result.Usage.Wall)
	b = append(b, `,"cpu_ms":`...)
	b = appendMillis(b, result.Usage.CPU)
	b = append(b, `,"max_rss_kib":`...)
	b = strconv.AppendInt(b, result.Usage.MaxRSS, 10)
	b = append(b, `,"wait_ms":`...)
	b = appendMillis(b, waited)
	b = append(b, `}}`...)
	return reply{status: http.StatusOK, mediaType: "application/json", body: b}
}

// text is a stream as it is shown: with a note where it was cut, and without the
// part of a character that the cut left.
func text(out sandbox.Output) []byte {
	b := slices.Clip(out.Data) // what is appended must not land in the capture's buffer
	if !out.Truncated {
		return b
	}
	return append(slices.Clip(withoutPartialRune(b)), truncationNote...)
}

// withoutPartialRune returns b without the beginning of a character at its end.
// What could not become a character whatever followed stays.
func withoutPartialRune(b []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if tail := b[len(b)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

// appendText appends s as a JSON string, with U+FFFD for each byte that is not
// part of a UTF-8 character.
func appendText(dst, s []byte) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // its only error is that it had to put a U+FFFD
	return dst
}

// appendNames appends names of system calls as a JSON list.
func appendNames(dst []byte, names []string) []byte {
	for i, name := range names {
		dst = append(dst, "[,"[min(i, 1)])
		dst = appendText(dst, []byte(name))
	}
	return append(dst, ']')
}

// appendMillis appends d in milliseconds, to the microsecond.
func appendMillis(dst []byte, d time.Duration) []byte {
	return strconv.AppendFloat(dst, float64(d.Microseconds())/1000, 'f', -1, 64)
}

// pythonFloat writes x as Python's repr does: 10.0, not 10.
func pythonFloat(x float64) string {
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
