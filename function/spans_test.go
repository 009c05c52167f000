package function

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"codecell/function/telemetry"
	"codecell/sandbox"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	traceparent  = "traceparent: 00-" + callersTrace + "-" + callersSpan + "-01"
)

// keep is an exporter that keeps what it is given, also after its end.
type keep struct {
	*tracetest.InMemoryExporter
}

func (keep) Shutdown(context.Context) error { return nil }

// traced returns a server whose spans can be had.
func traced(t *testing.T, box *fakeBox, vars ...string) (srv *server, spans func() tracetest.SpanStubs) {
	t.Helper()
	exporter := keep{tracetest.NewInMemoryExporter()}
	seen := telemetry.To(exporter, nil)
	srv = serve(t, testConfig(t, vars...), box)
	if err := srv.service.observe(seen); err != nil {
		t.Fatal(err)
	}
	return srv, func() tracetest.SpanStubs {
		t.Helper()
		srv.Close() // waits for the handlers, and so for their spans
		if err := seen.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
		return exporter.GetSpans()
	}
}

// inSteps is a program that took these steps of a millisecond each.
func inSteps(parked bool, end error, names ...string) func(context.Context, sandbox.Job) (sandbox.Result, error) {
	return func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
		at := time.Now()
		job.Timeline.Parked = parked
		for _, name := range names {
			step := sandbox.Step{Name: name, Start: at, End: at.Add(time.Millisecond)}
			if parked && (name == sandbox.StepFork || name == sandbox.StepJail) {
				step.End = at
				job.Timeline.Ahead = 7 * time.Millisecond
			}
			job.Timeline.Steps, at = append(job.Timeline.Steps, step), step.End
		}
		time.Sleep(time.Until(at))
		return okResult, end
	}
}

var allSteps = []string{sandbox.StepFork, sandbox.StepJail, sandbox.StepPolicy, sandbox.StepProgram, sandbox.StepReap}

// TestSpanTree: one request is one connected trace, its children follow each
// other within it, and there is nothing in it of the program or its output.
func TestSpanTree(t *testing.T) {
	const secret = "secret_of_the_program"
	box, _, _ := newFakeBox()
	box.runs[secret] = inSteps(true, nil, allSteps...)
	box.runs["refused"+secret] = inSteps(false, &sandbox.PolicyError{Violations: []string{"import of '" + secret + "'"}}, allSteps[:3]...)
	box.runs["lost"] = inSteps(false, sandbox.ErrRunLost, allSteps[:1]...)
	for _, c := range []struct {
		name, body, children string
		attributes           map[string]string // of the request's span
	}{
		{
			"a run", code(secret), "read admit fork jail policy program reap reply",
			map[string]string{"codecell.outcome": "ok", "http.route": "/execute", "http.response.status_code": "200", "http.request.method": "POST"},
		},
		{"refused by the policy", code("refused" + secret), "read admit fork jail policy reply", map[string]string{"codecell.problem": "policy"}},
		{"lost", code("lost"), "read admit fork reply", map[string]string{"codecell.problem": "run-lost", "http.response.status_code": "503"}},
		{"no JSON", `{"code":"` + secret, "read reply", map[string]string{"codecell.problem": "malformed-json"}},
		{"too large", `{"code":"` + strings.Repeat(secret, 60_000) + `"}`, "reply", map[string]string{"codecell.problem": "too-large"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, collect := traced(t, box)
			a := srv.post(t, c.body, traceparent)
			spans := collect()
			at := slices.IndexFunc(spans, func(s tracetest.SpanStub) bool { return s.Name == "POST /execute" })
			if at < 0 {
				t.Fatalf("%d: no span of the request among %d", a.Status, len(spans))
			}
			request := spans[at]
			if p := request.Parent; p.TraceID().String() != callersTrace || p.SpanID().String() != callersSpan || !p.IsRemote() {
				t.Errorf("the request's parent is %v", p)
			}
			for key, want := range c.attributes {
				if got := attributeOf(request, key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			children := slices.Delete(slices.Clone(spans), at, at+1)
			slices.SortStableFunc(children, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
			var names []string
			last := request.StartTime
			for _, span := range children {
				names = append(names, span.Name)
				if span.Parent.SpanID() != request.SpanContext.SpanID() || span.SpanContext.TraceID().String() != callersTrace {
					t.Errorf("%s is no child of the request", span.Name)
				}
				if span.StartTime.Before(last) || span.EndTime.Before(span.StartTime) || span.EndTime.After(request.EndTime) {
					t.Errorf("%s lasts from %v to %v, after %v and in a request until %v", span.Name, span.StartTime, span.EndTime, last, request.EndTime)
				}
				last = span.EndTime
			}
			if got := strings.Join(names, " "); got != c.children {
				t.Errorf("children are %s, want %s", got, c.children)
			}
			for _, span := range spans {
				if text := fmt.Sprint(span.Name, span.Attributes, span.Events, span.Status); strings.Contains(text, secret) || strings.Contains(text, "42\\n") {
					t.Errorf("%s has something of the program: %s", span.Name, text)
				}
			}
		})
	}
}

func attributeOf(span tracetest.SpanStub, key string) string {
	for _, a := range span.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.String()
		}
	}
	return ""
}

// TestSpanAttributes: what an operator asks of an admission and of a run.
func TestSpanAttributes(t *testing.T) {
	box, _, _ := newFakeBox()
	box.runs["x"] = inSteps(true, nil, allSteps...)
	srv, collect := traced(t, box)
	srv.post(t, `{"code":"x","memory_mb":100}`)
	found := map[string]string{}
	for _, span := range collect() {
		for _, a := range span.Attributes {
			found[span.Name+" "+string(a.Key)] = a.Value.String()
		}
	}
	for key, want := range map[string]string{
		"admit codecell.weight_mib": "103", "admit codecell.slots.capacity": "1", "admit codecell.slots.used": "0",
		"admit codecell.memory.capacity_mib": "515", "admit codecell.memory.used_mib": "0", "admit codecell.admitted": "true",
		"fork codecell.parked": "true", "fork codecell.ahead_ms": "7", "jail codecell.parked": "true",
		"program codecell.outcome": "ok", "program codecell.max_rss_kib": "12345",
	} {
		if found[key] != want {
			t.Errorf("%s is %q, want %q", key, found[key], want)
		}
	}
}

// TestWhatCallersChoose gets into a span only clean and short, and what follows
// the same export arrives: a byte that is not UTF-8 would lose all of it.
func TestWhatCallersChoose(t *testing.T) {
	box, _, _ := newFakeBox()
	srv, collect := traced(t, box)
	long := strings.Repeat("x", 6000)
	c := srv.send(t, "POST /execute?q="+long+" HTTP/1.1\r\nHost: "+strings.Repeat("h", 3000)+"\r\nUser-Agent: a\xff\xe2\x80\xa8b"+long+
		"\r\nX-Forwarded-For: \xfe"+long+"\r\ntracestate: a="+long+"\r\n"+traceparent+"\r\nbaggage: b="+long+
		"\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"code\":\"ok\"}")
	if a := within(t, c, wait); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	for _, path := range []string{"/" + long, "/livez", "/nothing\xff"} { // seen, and no span
		srv.do(t, srv.request(t, http.MethodGet, strings.ReplaceAll(path, "\xff", "%ff"), ""))
	}
	spans := collect()
	for _, span := range spans {
		if span.SpanContext.TraceID().String() != callersTrace {
			t.Errorf("%s: a span for a route that nobody has asked to see", span.Name)
		}
		size := len(span.Name) + len(span.SpanContext.TraceState().String())
		for _, a := range span.Attributes {
			text := a.Value.String()
			size += len(a.Key) + len(text)
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\u2028\n") || len(text) > 256 {
				t.Errorf("%s: %s is %q", span.Name, a.Key, text)
			}
		}
		if size > 1500 {
			t.Errorf("%s: %d bytes", span.Name, size)
		}
	}
	if len(spans) != 4 { // the request, read, admit, reply: the fake has no steps
		t.Errorf("%d spans", len(spans))
	}
}

// blocked is an exporter that does not come back.
type blocked struct{ until chan struct{} }

func (b blocked) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	select {
	case <-b.until:
	case <-ctx.Done():
	}
	return errors.New("no")
}
func (blocked) Shutdown(context.Context) error { return nil }

// TestDrainFlushes what is there, and waits flushTime at most for an exporter
// that does not answer.
func TestDrainFlushes(t *testing.T) {
	box, _, _ := newFakeBox()
	srv, _ := traced(t, box)
	exporter := keep{tracetest.NewInMemoryExporter()}
	seen := telemetry.To(exporter, nil)
	if err := srv.service.observe(seen); err != nil {
		t.Fatal(err)
	}
	srv.post(t, code("ok"), traceparent)
	until(t, "the handler's end", func() bool {
		if err := srv.service.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(exporter.GetSpans()) == 4
	})

	hanging := blocked{make(chan struct{})}
	defer close(hanging.until)
	other, err := newService(testConfig(t), box, srv.service.log)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.observe(telemetry.To(hanging, nil)); err != nil {
		t.Fatal(err)
	}
	_, span := other.telemetry.Tracer().Start(t.Context(), "x")
	span.End()
	start := time.Now()
	if err := other.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took < flushTime || took > flushTime+time.Second {
		t.Errorf("drain took %v", took)
	}
	if !strings.Contains(srv.log.String(), `"event":"telemetry_failed"`) {
		t.Errorf("the log does not say that something was lost: %s", srv.log)
	}
}

// What a request pays for traces and metrics that nobody wants: every call that is made
// for them.
func BenchmarkTelemetryOff(b *testing.B) {
	x := &exchange{telemetry: telemetry.Off(), r: httptest.NewRequest(http.MethodPost, "/execute", http.NoBody)}
	var none *meters
	result := sandbox.Result{Outcome: sandbox.OutcomeOK}
	for b.Loop() {
		x.child("read").End()
		x.child("admit").End()
		none.waited(x.r.Context(), time.Millisecond)
		x.draw(x.timeline(), result)
		none.ran(x.r.Context(), result)
		x.child("reply").End()
		if attrs := traceOf(x.telemetry, x.r); len(attrs) > 0 {
			b.Fatal(attrs)
		}
	}
}
