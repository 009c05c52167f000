package telemetry

import (
	"context"
	"net/http"
	"net/url"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Wrap returns next with a span around each request that has a route, and its
// measurement, by OpenTelemetry's semantic conventions for HTTP; next itself
// when there is nowhere to send them. The route is one of a closed list, or empty.
func (t *Telemetry) Wrap(next http.Handler, route func(*http.Request) string) http.Handler {
	if !t.Tracing() && !t.Measuring() {
		return next
	}
	var traces trace.TracerProvider = noop.NewTracerProvider()
	if t.Tracing() {
		traces = t.traces
	}
	instrumented := otelhttp.NewHandler(
		http.HandlerFunc(func(w http.ResponseWriter, seen *http.Request) {
			if r, ok := seen.Context().Value(requestKey{}).(*http.Request); ok {
				next.ServeHTTP(w, r.WithContext(seen.Context()))
			}
		}),
		"", // every span has its name from the formatter
		otelhttp.WithTracerProvider(traces),
		otelhttp.WithMeterProvider(t.meterProvider()),
		otelhttp.WithPropagators(t.propagator),
		otelhttp.WithSpanNameFormatter(func(_ string, seen *http.Request) string { return seen.Pattern }),
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if where := route(r); where == "" {
			next.ServeHTTP(w, r)
		} else {
			instrumented.ServeHTTP(w, t.seen(r, where))
		}
	})
}

// requestKey is where the context of what is instrumented has the request itself.
type requestKey struct{}

// seen is the request as the instrumentation is shown it. What a caller could
// put into an attribute of a span is left out, or clean and short: path, host
// and user agent are as a caller likes, and may be anything that is no line end.
// The body is read from the request itself.
func (t *Telemetry) seen(r *http.Request, route string) *http.Request {
	header := t.headers(r)
	if agent := r.UserAgent(); agent != "" {
		header.Set("User-Agent", Clean(agent, maxValue))
	}
	seen := &http.Request{
		Method: r.Method, URL: &url.URL{Path: route}, Pattern: r.Method + " " + route,
		Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
		Header: header, Body: http.NoBody, Host: Clean(r.Host, maxValue), RemoteAddr: r.RemoteAddr,
	}
	return seen.WithContext(context.WithValue(r.Context(), requestKey{}, r))
}
