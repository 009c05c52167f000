package telemetry

import (
	"context"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// cloudHeader is what Google's front ends set, beside traceparent or alone.
const cloudHeader = "X-Cloud-Trace-Context"

// newPropagator finds the trace that a request belongs to: as OTEL_PROPAGATORS says,
// by default traceparent; where there is none that is valid, X-Cloud-Trace-Context.
func newPropagator() propagation.TextMapPropagator {
	return propagation.NewCompositeTextMapPropagator(cloudTrace{}, autoprop.NewTextMapPropagator())
}

// headers are those of a request that say which trace it belongs to. One that is
// too long is left out: what they say is kept with every span.
func (t *Telemetry) headers(r *http.Request) http.Header {
	short := make(http.Header)
	for _, name := range t.propagator.Fields() {
		if v := r.Header.Get(name); v != "" && len(v) <= maxHeader {
			short.Set(name, v)
		}
	}
	return short
}

// SpanContext is the request's span, or the caller's where it has none; not valid
// where there is neither.
func (t *Telemetry) SpanContext(r *http.Request) trace.SpanContext {
	if own := trace.SpanContextFromContext(r.Context()); own.IsValid() {
		return own
	}
	return trace.SpanContextFromContext(t.propagator.Extract(r.Context(), propagation.HeaderCarrier(t.headers(r))))
}

// cloudTrace reads X-Cloud-Trace-Context; it writes nothing, for we call nobody.
type cloudTrace struct{}

func (cloudTrace) Inject(context.Context, propagation.TextMapCarrier) {}
func (cloudTrace) Fields() []string                                   { return []string{cloudHeader} }

func (cloudTrace) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	if found, ok := parseCloudTrace(carrier.Get(cloudHeader)); ok {
		return trace.ContextWithRemoteSpanContext(ctx, found)
	}
	return ctx
}

// parseCloudTrace reads TRACE/SPAN;o=OPTIONS. The trace is 32 hexadecimal digits,
// the span a decimal number; bit 0 of the options asks for the trace to be kept.
// Nothing is known of a caller who could send it, so nothing else is taken.
func parseCloudTrace(v string) (found trace.SpanContext, ok bool) {
	ids, options, _ := strings.Cut(v, ";")
	traceID, number, _ := strings.Cut(ids, "/")
	id, err := trace.TraceIDFromHex(traceID)
	if err != nil {
		return found, false
	}
	span, err := strconv.ParseUint(number, 10, 64)
	if err != nil || span == 0 {
		return found, false
	}
	cfg := trace.SpanContextConfig{TraceID: id, Remote: true}
	binary.BigEndian.PutUint64(cfg.SpanID[:], span)
	if flags, err := strconv.ParseUint(strings.TrimPrefix(options, "o="), 10, 8); err == nil && flags&1 == 1 {
		cfg.TraceFlags = trace.FlagsSampled
	}
	return trace.NewSpanContext(cfg), true
}
