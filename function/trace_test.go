package function

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"codecell/function/telemetry"
)

func TestTraceOf(t *testing.T) {
	t.Parallel()
	const (
		trace = "4bf92f3577b34da6a3ce929d0e0e4736"
		span  = "00f067aa0ba902b7"
		cloud = "105445aa7843bc8bf206b12000100000"
	)
	tests := []struct {
		name               string
		traceparent, cloud string
		trace, span        string // empty: none is taken
	}{
		{"none", "", "", "", ""},
		{"W3C", "00-" + trace + "-" + span + "-01", "", trace, span},
		{"W3C, not sampled", "00-" + trace + "-" + span + "-00", "", trace, span},
		{"W3C of a later version", "01-" + trace + "-" + span + "-01-more-of-it", "", trace, span},
		{"Google's", "", cloud + "/1;o=1", cloud, "0000000000000001"},
		{"Google's without options", "", cloud + "/18446744073709551615", cloud, "ffffffffffffffff"},
		{"both: W3C's", "00-" + trace + "-" + span + "-01", cloud + "/1;o=1", trace, span},
		{"W3C's is bad: Google's", "00-" + trace, cloud + "/1;o=1", cloud, "0000000000000001"},
		{"version 00 with more", "00-" + trace + "-" + span + "-01-x", "", "", ""},
		{"version ff", "ff-" + trace + "-" + span + "-01", "", "", ""},
		{"upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01", "", "", ""},
		{"no trace", "00-00000000000000000000000000000000-" + span + "-01", "", "", ""},
		{"no span", "00-" + trace + "-0000000000000000-01", "", "", ""},
		{"too short", "00-" + trace[1:] + "-" + span + "-01", "", "", ""},
		{"too long", "00-" + trace + "0-" + span + "-01", "", "", ""},
		{"no digits", "00-" + trace[:30] + "\n}-" + span + "-01", "", "", ""},
		{"a negative span", "", cloud + "/-1", "", ""},
		{"a span too large", "", cloud + "/18446744073709551616", "", ""},
		{"no span of Google's", "", cloud, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
			r.Header.Set("traceparent", tt.traceparent)
			r.Header.Set("X-Cloud-Trace-Context", tt.cloud)
			got := map[string]string{}
			for _, attr := range traceOf(telemetry.Off(), r) {
				got[attr.Key] = attr.Value.String()
			}
			if got["trace_id"] != tt.trace || got["span_id"] != tt.span {
				t.Errorf("got %q, want %s and %s", got, tt.trace, tt.span)
			}
		})
	}
}
