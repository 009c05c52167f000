package telemetry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is what is exported, and how. The zero value: nothing.
type Config struct {
	Traces, Metrics string // an exporter's name each; empty: none
	Service         string // what the process calls itself, where OTEL_SERVICE_NAME does not say
	Serverless      bool   // on Cloud Run or Knative
	Project         string // GOOGLE_CLOUD_PROJECT
}

// On says whether anything is exported.
func (c Config) On() bool { return c.Traces != "" || c.Metrics != "" }

const (
	exporterOTLP       = "otlp"
	exporterConsole    = "console"
	exporterPrometheus = "prometheus"
	exporterNone       = "none"
)

// ParseConfig reads which exporters are wanted. OpenTelemetry's own default is to
// send everything to localhost:4317; a container that runs hostile programs rather
// sends nothing unless it was told to: one of these, and OTEL_SDK_DISABLED not true.
//
//	OTEL_TRACES_EXPORTER    otlp, console, none
//	OTEL_METRICS_EXPORTER   otlp, prometheus, console, none
//	OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_{TRACES,METRICS}_ENDPOINT
//	                        where the variables above are not set: otlp
//
// All others (protocol, headers, sampler, resource, propagators, …) the libraries
// read by themselves, as OpenTelemetry defines them. The error names every bad
// value.
func ParseConfig(getenv func(string) string) (Config, error) {
	c := Config{
		Service:    getenv("K_SERVICE"),
		Serverless: getenv("K_SERVICE") != "",
		Project:    getenv("GOOGLE_CLOUD_PROJECT"),
	}
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return c, nil
	}
	var errs [2]error
	c.Traces, errs[0] = exporter(getenv, "TRACES", exporterOTLP, exporterConsole, exporterNone)
	c.Metrics, errs[1] = exporter(getenv, "METRICS", exporterOTLP, exporterPrometheus, exporterConsole, exporterNone)
	return c, errors.Join(errs[:]...)
}

// exporter returns the one for a signal, one of allowed; empty: none.
func exporter(getenv func(string) string, signal string, allowed ...string) (string, error) {
	variable := "OTEL_" + signal + "_EXPORTER"
	name := getenv(variable)
	switch {
	case name == "" && getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "":
		return "", nil
	case name == "":
		name = exporterOTLP
	case !slices.Contains(allowed, name):
		return "", fmt.Errorf("%s=%q: want one of %s", variable, name, strings.Join(allowed, ", "))
	}
	if name == exporterNone {
		return "", nil
	}
	if name == exporterOTLP {
		for _, variable := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
			protocols := []string{"", "http/protobuf", "grpc"}
			if protocol := getenv(variable); !slices.Contains(protocols, protocol) {
				return "", fmt.Errorf("%s=%q: want http/protobuf (the default) or grpc", variable, protocol)
			}
		}
	}
	return name, nil
}
