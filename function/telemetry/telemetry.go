// Package telemetry exports traces and metrics through OpenTelemetry, as its
// standard variables of the environment say. It stands beside package function,
// which makes the spans and counts; here is where they go, and what that may
// cost: exporters that are down, slow or hostile change nothing for a request,
// and what waits for them is bounded (Config.Bytes) and paid for in the reserve.
//
// Without a variable that names an exporter or an endpoint nothing is exported,
// and nothing is made: see ParseConfig.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"
)

// scope names what makes the spans and metrics.
const scope = "codecell"

// Telemetry is where spans and measurements go; see Off and Start.
type Telemetry struct {
	traces     *sdktrace.TracerProvider
	metrics    *sdkmetric.MeterProvider
	scrape     *prometheus.Registry // nil: nobody comes to fetch the metrics
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	project    string
}

var off = &Telemetry{tracer: nooptrace.NewTracerProvider().Tracer(scope), propagator: newPropagator()}

// Off is where nothing goes anywhere.
func Off() *Telemetry { return off }

// Start opens the exporters that cfg names; nothing is sent before there is
// something to send, so one that is down does not stop it. What goes wrong with
// exports later is told to log, once in a while.
//
// It also becomes the process's handler of OpenTelemetry's own errors.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{tracer: off.tracer, propagator: off.propagator, project: cfg.Project}
	if !cfg.On() {
		return t, nil
	}
	otel.SetErrorHandler(&failures{log: log})
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))

	res, err := newResource(ctx, cfg, log)
	if err != nil {
		return nil, fmt.Errorf("telemetry: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	t.project = project(cfg, res)
	if cfg.Traces != "" {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("telemetry: OTEL_TRACES_EXPORTER=%s: %w", cfg.Traces, err)
		}
		t.openTraces(exporter, res)
	}
	if cfg.Metrics != "" {
		if err := t.openMetrics(ctx, cfg, res); err != nil {
			_ = t.Shutdown(ctx) // the error to report is the one that made this necessary
			return nil, fmt.Errorf("telemetry: OTEL_METRICS_EXPORTER=%s: %w", cfg.Metrics, err)
		}
	}
	return t, nil
}

// To sends spans and measurements to what the caller brings, either may be nil.
func To(spans sdktrace.SpanExporter, measurements sdkmetric.Reader) *Telemetry {
	t := &Telemetry{tracer: off.tracer, propagator: off.propagator}
	if spans != nil {
		t.openTraces(spans, resource.Empty())
	}
	if measurements != nil {
		t.readMetrics(measurements, resource.Empty())
	}
	return t
}

// openTraces makes spans go to exporter, from a queue of our own bounds.
func (t *Telemetry) openTraces(exporter sdktrace.SpanExporter, res *resource.Resource) {
	t.traces = sdktrace.NewTracerProvider(
		sdktrace.WithResource(res),
		sdktrace.WithRawSpanLimits(spanLimits()),
		sdktrace.WithSpanProcessor(sdktrace.NewBatchSpanProcessor(exporter, boundQueue)),
	)
	t.tracer = t.traces.Tracer(scope)
}

func (t *Telemetry) openMetrics(ctx context.Context, cfg Config, res *resource.Resource) error {
	var reader sdkmetric.Reader
	var err error
	if cfg.Metrics == exporterPrometheus {
		// Not autoexport's, which opens a port of its own: Cloud Run reaches one only.
		t.scrape = prometheus.NewRegistry()
		reader, err = promexporter.New(promexporter.WithRegisterer(t.scrape), promexporter.WithoutScopeInfo())
	} else {
		reader, err = autoexport.NewMetricReader(ctx)
	}
	if err != nil {
		return err
	}
	t.readMetrics(reader, res)
	return nil
}

// readMetrics makes measurements go to reader.
func (t *Telemetry) readMetrics(reader sdkmetric.Reader, res *resource.Resource) {
	t.metrics = sdkmetric.NewMeterProvider(
		sdkmetric.WithResource(res),
		sdkmetric.WithReader(reader),
		sdkmetric.WithCardinalityLimit(maxSeries),
		sdkmetric.WithView(
			// What otelhttp says of the caller would be a series for each.
			sdkmetric.NewView(sdkmetric.Instrument{Name: "http.server.request.duration"}, sdkmetric.Stream{
				AttributeFilter: attribute.NewAllowKeysFilter("http.request.method", "http.response.status_code", "http.route"),
				// An exemplar would have what the filter takes away.
				ExemplarReservoirProviderSelector: func(sdkmetric.Aggregation) exemplar.ReservoirProvider {
					return exemplar.FixedSizeReservoirProvider(0)
				},
			}),
			sdkmetric.NewView(sdkmetric.Instrument{Name: "http.server.*.body.size"}, sdkmetric.Stream{
				Aggregation: sdkmetric.AggregationDrop{},
			}),
		),
	)
}

// Tracing says whether spans go anywhere.
func (t *Telemetry) Tracing() bool { return t.traces != nil }

// Measuring says whether measurements go anywhere.
func (t *Telemetry) Measuring() bool { return t.metrics != nil }

func (t *Telemetry) meterProvider() metric.MeterProvider {
	if t.metrics == nil {
		return noopmetric.NewMeterProvider()
	}
	return t.metrics
}

// Tracer makes spans.
func (t *Telemetry) Tracer() trace.Tracer { return t.tracer }

// Meter makes instruments.
func (t *Telemetry) Meter() metric.Meter { return t.meterProvider().Meter(scope) }

// Project is the Google Cloud project that the process runs in, where it is
// known: traces are named by it in Cloud Logging.
func (t *Telemetry) Project() string { return t.project }

// Flush exports what waits, at most until ctx is done.
func (t *Telemetry) Flush(ctx context.Context) error {
	return t.both(ctx, (*sdktrace.TracerProvider).ForceFlush, (*sdkmetric.MeterProvider).ForceFlush)
}

// Shutdown flushes and closes the exporters, at most until ctx is done.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	return t.both(ctx, (*sdktrace.TracerProvider).Shutdown, (*sdkmetric.MeterProvider).Shutdown)
}

// both does the two at the same time: an exporter that hangs takes none of the
// other's.
func (t *Telemetry) both(ctx context.Context,
	traces func(*sdktrace.TracerProvider, context.Context) error,
	metrics func(*sdkmetric.MeterProvider, context.Context) error,
) error {
	done := make(chan error, 1)
	go func() {
		if t.traces == nil {
			done <- nil
			return
		}
		done <- traces(t.traces, ctx)
	}()
	var err error
	if t.metrics != nil {
		err = metrics(t.metrics, ctx)
	}
	return errors.Join(err, <-done)
}
