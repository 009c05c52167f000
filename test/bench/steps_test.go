//go:build linux

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// exported is a span as the console exporter writes it.
func exported(trace, name string, from, until int, attributes string) string {
	at := func(ms int) string {
		return time.Date(2026, 1, 1, 0, 0, 0, ms*int(time.Millisecond), time.UTC).Format(time.RFC3339Nano)
	}
	return fmt.Sprintf(`{"Name":%q,"SpanContext":{"TraceID":%q,"SpanID":"0"},"StartTime":%q,"EndTime":%q,"Attributes":[%s]}`+"\n",
		name, trace, at(from), at(until), attributes)
}

func TestSteps(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("codecell listens on http://127.0.0.1:8080\n")
	for i, name := range stepNames {
		attributes := `{"Key":"codecell.parked","Value":{"Type":"BOOL","Value":true}}`
		if name == "jail" {
			attributes += `,{"Key":"codecell.ahead_ms","Value":{"Type":"FLOAT64","Value":1.5}}`
		}
		text.WriteString(exported("a", name, i, i+1, attributes))
	}
	text.WriteString(exported("a", rootSpan, 0, 10, ""))
	text.WriteString(exported("b", rootSpan, 0, 500, "")) // its children were dropped
	text.WriteString(exported("c", "GET /readyz", 0, 1, ""))

	traces, err := readTraces(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	var s steps
	if err := s.take(traces); err != nil {
		t.Fatal(err)
	}
	if s.Runs != 1 || s.Whole.at(0.5) != 10*time.Millisecond || s.Ahead.at(0.5) != 1500*time.Microsecond {
		t.Errorf("%d runs, whole %v, ahead %v", s.Runs, s.Whole.All, s.Ahead.All)
	}
	if len(s.Steps) != len(stepNames)+1 {
		t.Fatalf("%d steps: %+v", len(s.Steps), s.Steps)
	}
	for i, step := range s.Steps {
		want := 0.1
		if i == len(stepNames) {
			want = 0.2 // between these
		}
		if step.Share != want {
			t.Errorf("%s has a share of %v, want %v", step.Name, step.Share, want)
		}
	}
	if _, err := readTraces(strings.NewReader(text.String() + `{"Name":`)); err == nil {
		t.Error("a span that is cut off was read")
	}
	if err := new(steps).take(map[string][]span{"b": traces["b"]}); err == nil {
		t.Error("no whole trace is no error")
	}
}
