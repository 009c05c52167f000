// Package telemetry is the module of the tests that look at the server as its
// operators do: with Prometheus, Grafana's dashboard and an OpenTelemetry
// Collector. What they need is kept out of the server's go.mod.
//
//	monitoring   deploy/monitoring and the queries of the documents, held to what is exported
//	prometheus   a real one: the operator's questions, asked after real traffic; the alerts
//	outage       a collector that is killed, stopped, or never there
//	otelcol      that collector, in a module of its own
//
// The trace of one request, through queue-proxy, is in test/deploy/pod.
package telemetry
