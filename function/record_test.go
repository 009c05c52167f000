package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"codecell/function/telemetry"
	"codecell/sandbox"
)

// forgeries are what a caller or a program may put where a line of the log could
// show it: each would be, were it written as it is, a line of its own, or the end
// of its string, or something that a terminal obeys.
var forgeries = []string{
	"a\nlevel=ERROR msg=forged", "a\r\n{\"severity\":\"ERROR\",\"message\":\"forged\"}", `a","event":"forged`, `a event=forged`,
	"a\u2028forged", "a\u2029forged", "a\u0085forged", "a\x1b[2Kforged", "a\x00forged", "a\xff\xfeforged", "a\xed\xa0\x80forged", "a\u202eforged",
	strings.Repeat("forged", 10_000),
}

// TestNobodyForgesALine: one request is one line, of text or of JSON, whatever is
// in its headers, in what the policy says of it, or in an error.
func TestNobodyForgesALine(t *testing.T) {
	for i, forgery := range forgeries {
		for _, kind := range []string{"json", "text"} {
			t.Run(fmt.Sprintf("%s %d", kind, i), func(t *testing.T) {
				var out bytes.Buffer
				var handler slog.Handler = slog.NewJSONHandler(&out, nil)
				if kind == "text" {
					handler = slog.NewTextHandler(&out, nil)
				}
				box, _, _ := newFakeBox()
				box.fail("refused", &sandbox.PolicyError{Violations: []string{"Line 1: import of '" + forgery + "'"}})
				s, err := newService(testConfig(t), box, slog.New(handler))
				if err != nil {
					t.Fatal(err)
				}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/execute", strings.NewReader(code("refused")))
				r.Header.Set("Content-Type", "application/json")
				for _, name := range []string{"User-Agent", "X-Request-Id", "X-Cloud-Trace-Context", "Traceparent", "Referer", "X-Forwarded-For"} {
					r.Header.Set(name, forgery)
				}
				r.Host, r.RemoteAddr = forgery, forgery
				s.ServeHTTP(httptest.NewRecorder(), r)

				r = httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/execute", strings.NewReader("{"))
				r.Header.Set("Content-Type", "application/json")
				r.Method, r.URL.Path = forgery, "/"+forgery
				s.ServeHTTP(httptest.NewRecorder(), r)

				lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
				if len(lines) != 2 || out.Len() > 4096 {
					t.Fatalf("%d lines, %d bytes: %.2000s", len(lines), out.Len(), &out)
				}
				for _, line := range lines {
					if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
						t.Errorf("not to be printed: %q", line)
					}
					if kind == "text" {
						if n := strings.Count(line, " msg="); n != 1 {
							t.Errorf("%d messages: %s", n, line)
						}
						continue
					}
					var parsed map[string]any
					if err := json.Unmarshal([]byte(line), &parsed); err != nil {
						t.Errorf("%v: %s", err, line)
					}
					if parsed["msg"] != "request" || parsed["event"] == "forged" || strings.Contains(line, `"event":"forged"`) {
						t.Errorf("forged: %s", line)
					}
				}
			})
		}
	}
}

// TestEvents: what is worth a look has its name in the request's line.
func TestEvents(t *testing.T) {
	box, started, _ := newFakeBox()
	killed := okResult
	killed.ExitCode, killed.Outcome = -9, sandbox.OutcomeMemoryLimit
	late := okResult
	late.ExitCode, late.TimedOut, late.Outcome = -9, true, sandbox.OutcomeTimeout
	box.runs["memory"] = func(context.Context, sandbox.Job) (sandbox.Result, error) { return killed, nil }
	box.runs["late"] = func(context.Context, sandbox.Job) (sandbox.Result, error) { return late, nil }
	box.fail("refused", &sandbox.PolicyError{Violations: []string{"import of 'topsecret'", "b"}})
	srv := serve(t, testConfig(t, "SANDBOX_DRAIN_TIMEOUT=1ms"), box)
	for _, name := range []string{"memory", "late", "refused", "ok"} {
		srv.post(t, code(name))
	}
	conn := srv.send(t, rawPost(code("block")))
	expect(t, started, "start")
	if err := conn.Leave(); err != nil {
		t.Fatal(err)
	}
	until(t, "who left is gone", func() bool { return srv.service.gate.Occupancy().InFlight == 0 })
	conn = srv.send(t, rawPost(code("block")))
	expect(t, started, "start")
	drained(t, draining(t, srv), ErrKilled)
	within(t, conn, wait)
	srv.Close()

	var got []string
	for line := range strings.Lines(srv.log.String()) {
		var parsed struct {
			Event, Cause string
			Violations   int
			SHA256       string `json:"code_sha256"`
		}
		if err := json.Unmarshal([]byte(line), &parsed); err != nil {
			t.Fatal(err)
		}
		if parsed.Event != "" {
			got = append(got, strings.TrimSpace(fmt.Sprint(parsed.Event, " ", parsed.Cause, " ", parsed.Violations)))
			if len(parsed.SHA256) != 64 {
				t.Errorf("no sum of the code: %s", line)
			}
		}
	}
	want := "run_killed memory 0, run_killed deadline 0, policy_violation  2, run_killed caller_left 0, run_killed drain 0"
	if strings.Join(got, ", ") != want || strings.Contains(srv.log.String(), "topsecret") {
		t.Errorf("%s\nwant %s\n%s", strings.Join(got, ", "), want, srv.log)
	}
}

func TestLayersThatDoNotHold(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	layers := []sandbox.Layer{{Name: "seccomp", State: sandbox.LayerActive}}
	reportLayers(layers, log)
	if out.Len() != 0 {
		t.Errorf("all hold: %s", &out)
	}
	reportLayers(append(layers, sandbox.Layer{Name: "landlock", State: sandbox.LayerAbsent, Detail: "the kernel has none"}), log)
	for _, want := range []string{`"level":"WARN"`, `"event":"layer_absent"`, `"layers":{"landlock":"absent: the kernel has none"}`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, &out)
		}
	}
}

// TestCloudLoggingTrace: with the project's name a line can be shown with its trace.
func TestCloudLoggingTrace(t *testing.T) {
	cfg := testConfig(t, "GOOGLE_CLOUD_PROJECT=my-project")
	box, _, _ := newFakeBox()
	srv := serve(t, cfg, box)
	seen, err := telemetry.Start(t.Context(), cfg.Telemetry, srv.service.log)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.service.observe(seen); err != nil {
		t.Fatal(err)
	}
	srv.post(t, code("ok"), traceparent)
	srv.Close()
	for _, want := range []string{
		`"logging.googleapis.com/trace":"projects/my-project/traces/` + callersTrace + `"`,
		`"logging.googleapis.com/spanId":"` + callersSpan + `"`, `"logging.googleapis.com/trace_sampled":true`,
		`"httpRequest":{"requestMethod":"POST","requestUrl":"/execute","status":200,"responseSize":"`, `"latency":"0.`, `"remoteIp":"127.0.0.1"`,
	} {
		if !strings.Contains(srv.log.String(), want) {
			t.Errorf("no %s in %s", want, srv.log)
		}
	}
}
