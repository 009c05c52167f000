package function

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// traceOf returns the trace that a request belongs to, for the log: trace_id and
// span_id, as OpenTelemetry names them in logs of JSON, or nothing. They come
// from traceparent (W3C Trace Context) or, where there is none that is valid,
// from X-Cloud-Trace-Context, which Google's front ends set. A caller can send
// what they like in both: only digits of the right number are taken.
func traceOf(h http.Header) []slog.Attr {
	trace, span, ok := parseTraceparent(h.Get("Traceparent"))
	if !ok {
		trace, span, ok = parseCloudTrace(h.Get("X-Cloud-Trace-Context"))
	}
	if !ok {
		return nil
	}
	return []slog.Attr{slog.String("trace_id", trace), slog.String("span_id", span)}
}

// parseTraceparent reads VERSION-TRACE-SPAN-FLAGS in lower-case hexadecimal
// digits. Versions after 00 may have more behind the flags.
func parseTraceparent(v string) (trace, span string, ok bool) {
	parts := strings.SplitN(v, "-", 5)
	if len(parts) < 4 || !isHex(parts[0], 2) || parts[0] == "ff" || parts[0] == "00" && len(parts) != 4 {
		return "", "", false
	}
	trace, span = parts[1], parts[2]
	return trace, span, isID(trace, 32) && isID(span, 16) && isHex(parts[3], 2)
}

// parseCloudTrace reads TRACE/SPAN;o=OPTIONS. The trace is in hexadecimal
// digits, the span a decimal number; the options may be missing.
func parseCloudTrace(v string) (trace, span string, ok bool) {
	v, _, _ = strings.Cut(v, ";")
	trace, number, _ := strings.Cut(v, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || !isID(trace, 32) {
		return "", "", false
	}
	return trace, fmt.Sprintf("%016x", n), true
}

// isID says whether s is that many hexadecimal digits and not all of them 0,
// which stands for no trace.
func isID(s string, digits int) bool { return isHex(s, digits) && strings.Trim(s, "0") != "" }

func isHex(s string, digits int) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == digits && s == strings.ToLower(s)
}
