package telemetry

import (
	"strings"
	"testing"
)

// environ is a getenv over NAME=value pairs.
func environ(vars ...string) func(string) string {
	values := make(map[string]string)
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

// TestNothingIsExportedUnlessNamed is the default, and what turns it on.
func TestNothingIsExportedUnlessNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		vars            string
		traces, metrics string
		bytes           int64
	}{
		{"", "", "", 0},
		{"OTEL_SERVICE_NAME=a OTEL_TRACES_SAMPLER=always_on OTEL_EXPORTER_OTLP_PROTOCOL=carrier-pigeon", "", "", 0},
		{"OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "", "", 0},
		{"OTEL_TRACES_EXPORTER=otlp", "otlp", "", traceBytes},
		{"OTEL_METRICS_EXPORTER=prometheus", "", "prometheus", metricBytes},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "otlp", "otlp", traceBytes + metricBytes},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://c:4318/v1/traces", "otlp", "", traceBytes},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://c:4318/v1/metrics", "", "otlp", metricBytes},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_METRICS_EXPORTER=console", "otlp", "console", traceBytes + metricBytes},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317 OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "otlp", "otlp", traceBytes + metricBytes},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318 OTEL_SDK_DISABLED=true", "", "", 0},
		{"OTEL_METRICS_EXPORTER=prometheus OTEL_SDK_DISABLED=TRUE", "", "", 0},
		{"OTEL_METRICS_EXPORTER=prometheus OTEL_SDK_DISABLED=1", "", "prometheus", metricBytes}, // as OpenTelemetry has it
	} {
		got, err := ParseConfig(environ(strings.Fields(c.vars)...))
		if err != nil || got.Traces != c.traces || got.Metrics != c.metrics || got.Bytes() != c.bytes || got.On() != (c.bytes > 0) {
			t.Errorf("%q: %+v, %d bytes, %v", c.vars, got, got.Bytes(), err)
		}
	}
}

func TestBadExportersAreNamed(t *testing.T) {
	t.Parallel()
	for vars, want := range map[string]string{
		"OTEL_TRACES_EXPORTER=prometheus":                                     `OTEL_TRACES_EXPORTER="prometheus": want one of otlp, console, none`,
		"OTEL_TRACES_EXPORTER=otlp,console":                                   `OTEL_TRACES_EXPORTER="otlp,console": want one of`,
		"OTEL_METRICS_EXPORTER=OTLP":                                          `OTEL_METRICS_EXPORTER="OTLP": want one of otlp, prometheus, console, none`,
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/json":     `OTEL_EXPORTER_OTLP_PROTOCOL="http/json": want http/protobuf`,
		"OTEL_METRICS_EXPORTER=otlp OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http": `OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="http": want http/protobuf`,
		"OTEL_TRACES_EXPORTER=x OTEL_METRICS_EXPORTER=y":                      `OTEL_METRICS_EXPORTER="y"`,
	} {
		if _, err := ParseConfig(environ(strings.Fields(vars)...)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", vars, err, want)
		}
	}
}
