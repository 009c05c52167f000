//go:build linux

package pod

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// The trace of a caller comes through queue-proxy into the server's log. Its
// own span may stand between, the trace stays the same.
func TestTraceHeaders(t *testing.T) {
	p := startPod(t, "SANDBOX_LOG_LEVEL=info")
	const (
		w3c   = "4bf92f3577b34da6a3ce929d0e0e4736"
		cloud = "105445aa7843bc8bf206b12000100000"
	)
	table := cell.NewTable("header sent", "trace_id in the log", "span_id")
	defer table.Print(t.Output())
	for _, test := range []struct{ header, value, want string }{
		{"traceparent", "00-" + w3c + "-00f067aa0ba902b7-01", w3c},
		{"X-Cloud-Trace-Context", cloud + "/74;o=1", cloud},
		{"X-Other", "none", ""}, // else a trace made up on the way would pass
	} {
		t.Run(test.header, func(t *testing.T) {
			before := len(p.server.Log())
			if answer := p.post(t, "print(1)", test.header, test.value); answer.Status != http.StatusOK {
				t.Fatalf("the request: %v", answer)
			}
			line := p.requestLine(t, before)
			table.Row(test.header, line.Trace, line.Span)
			if line.Trace != test.want || (line.Span != "") != (test.want != "") {
				t.Errorf("the log has the trace %q, span %q, want %q", line.Trace, line.Span, test.want)
			}
		})
	}
}

// logLine is the part of a request's line that the test looks at.
type logLine struct {
	Message string `json:"message"`
	Route   string `json:"route"`
	Trace   string `json:"trace_id"`
	Span    string `json:"span_id"`
}

// requestLine returns the line of a program that the server has logged since
// its log had that many bytes. It is written behind the reply.
func (p *pod) requestLine(t *testing.T, before int) (found logLine) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for line := range strings.Lines(p.server.Log()[before:]) {
			var l logLine
			if json.Unmarshal([]byte(line), &l) == nil && l.Message == "request" && l.Route == "/execute" {
				return l
			}
		}
	}
	t.Fatal("no line for the request in the log")
	return logLine{}
}
