//go:build linux

package pod

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/e2e/collector"
)

// The caller of the tests, as its traceparent says.
const (
	callerTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callerSpan  = "00f067aa0ba902b7"
)

// secret stands in the programs and in their output, where no span may have it.
const secret = "pomegranate"

// requestSpan is the name of the server's own span: the method and the route.
const requestSpan = "POST /execute"

// steps are the children of a request, in the order in which they begin.
var steps = []string{"read", "admit", "fork", "jail", "policy", "program", "reap", "reply"}

// One request is one trace: the caller's span, queue-proxy's, the server's, and
// below that the steps of the run, one after the other.
func TestConnectedTrace(t *testing.T) {
	p, c := startTracedPod(t)
	const busy = 300 * time.Millisecond
	code := fmt.Sprintf("import datetime\n"+
		"end = datetime.datetime.now() + datetime.timedelta(milliseconds=%d)\n"+
		"while datetime.datetime.now() < end: pass\nprint('%s')", busy.Milliseconds(), secret)
	sent := time.Now()
	if answer := p.traced(t, code, "01"); answer.Status != http.StatusOK || !bytes.Contains(answer.Body, []byte(secret)) {
		t.Fatalf("the request: %v", answer)
	}
	answered := time.Now()
	tr := awaitTree(t, c, steps...)
	tr.print(t)

	if tr.request.Kind != collector.Server || tr.request.Service != "codecell" {
		t.Errorf("the request's span is of kind %d and service %q, want %d and codecell", tr.request.Kind, tr.request.Service, collector.Server)
	}
	if tr.request.Start.Before(sent) || tr.request.End.After(answered.Add(time.Second)) {
		t.Errorf("the request's span is from %v to %v; it was sent at %v and answered at %v", tr.request.Start, tr.request.End, sent, answered)
	}
	// Upwards: every parent is there, up to the span that the caller named.
	above, err := tr.above()
	if err != nil || len(above) == 0 || above[0].Service == "codecell" {
		t.Errorf("above the request's span: %v, %v, want queue-proxy's", above, err)
	}
	// Downwards: the steps, in their order, one after the other, within the request.
	if names := tr.names(); !slices.Equal(names, steps) {
		t.Fatalf("children %q, want %q", names, steps)
	}
	var sum time.Duration
	last := tr.request.Start
	for _, s := range tr.children {
		sum += s.Took()
		if s.Start.Before(last) {
			t.Errorf("%s begins %v before the one before it has ended", s.Name, last.Sub(s.Start))
		}
		if s.Took() < 0 || s.End.After(tr.request.End) {
			t.Errorf("%s lasts %v and ends %v after the request", s.Name, s.Took(), s.End.Sub(tr.request.End))
		}
		last = s.End
	}
	if sum > tr.request.Took() {
		t.Errorf("the children last %v together, the request %v", sum, tr.request.Took())
	}
	for _, s := range tr.children {
		switch {
		case s.Name == "program" && s.Took() < busy:
			t.Errorf("the program lasts %v, want %v or more", s.Took(), busy)
		case s.Name != "program" && s.Took() >= busy:
			t.Errorf("%s lasts %v, longer than the program's %v", s.Name, s.Took(), busy)
		}
	}
	tr.keepsSecret(t, c)
}

// A program that the policy refuses has no span of a program, and the trace says
// what became of it.
func TestRefusedTrace(t *testing.T) {
	p, c := startTracedPod(t)
	if answer := p.traced(t, "import os # "+secret, "01"); answer.Problem() != "policy" {
		t.Fatalf("the request: %v, want a violation", answer)
	}
	tr := awaitTree(t, c, "policy")
	tr.print(t)
	if names := tr.names(); slices.Contains(names, "program") || !slices.Contains(names, "admit") {
		t.Errorf("children %q, want admit and no program", names)
	}
	tr.keepsSecret(t, c)
}

// A caller who says that the trace is not recorded is heard: else the others of
// these tests could have had a trace from anywhere.
func TestUnsampledTrace(t *testing.T) {
	p, c := startTracedPod(t)
	if answer := p.traced(t, "print(1)", "00"); answer.Status != http.StatusOK {
		t.Fatalf("the request: %v", answer)
	}
	// The server sends what it has when it ends.
	if err := p.server.Stop(); err != nil {
		t.Fatal(err)
	}
	spans, err := c.Spans(callerTrace)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range spans {
		if s.Service == "codecell" {
			t.Errorf("a span of the server's in a trace that is not recorded: %+v", s)
		}
	}
}

// startTracedPod returns a pod whose two parts send their spans to a collector.
func startTracedPod(t *testing.T) (*pod, *collector.Collector) {
	t.Helper()
	requireNetwork(t)
	c := collector.Start(t, os.Getenv(collectorEnv))
	// queue-proxy keeps spans for 5 s otherwise.
	soon := "OTEL_BSP_SCHEDULE_DELAY=50"
	p := startPodWith(t,
		[]string{
			"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
			"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" + c.HTTP,
		},
		// By default both are called after the service.
		[]string{soon, "SERVING_SERVICE=queue-proxy", fmt.Sprintf(
			`OBSERVABILITY_CONFIG={"tracing": {"protocol": "http/protobuf", "endpoint": "http://127.0.0.1:%s/v1/traces", "samplingRate": 0.01}}`, c.HTTP,
		)},
	)
	return p, c
}

// traced posts a program with the caller's traceparent, through queue-proxy.
func (p *pod) traced(t *testing.T, code, flags string) cell.Answer {
	t.Helper()
	return p.post(t, code, "Traceparent", "00-"+callerTrace+"-"+callerSpan+"-"+flags)
}
