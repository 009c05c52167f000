package function

import (
	"log/slog"
	"net/http"

	"codecell/function/telemetry"
)

// traceOf returns the trace that a request belongs to, for the log, or nothing:
// trace_id and span_id, as OpenTelemetry names them in logs of JSON, and, where the
// Google Cloud project is known, what Cloud Logging needs to show the line with its
// trace. The span is ours where there is one, else the caller's.
func traceOf(t *telemetry.Telemetry, r *http.Request) []slog.Attr {
	found := t.SpanContext(r)
	if !found.IsValid() {
		return nil
	}
	attrs := []slog.Attr{
		slog.String("trace_id", found.TraceID().String()),
		slog.String("span_id", found.SpanID().String()),
	}
	if project := t.Project(); project != "" {
		attrs = append(attrs,
			slog.String("logging.googleapis.com/trace", "projects/"+project+"/traces/"+found.TraceID().String()),
			slog.String("logging.googleapis.com/spanId", found.SpanID().String()),
			slog.Bool("logging.googleapis.com/trace_sampled", found.IsSampled()),
		)
	}
	return attrs
}
