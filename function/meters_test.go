package function

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codecell/function/telemetry"
	"codecell/sandbox"
)

// measured returns a server whose /metrics is there.
func measured(t *testing.T, box *fakeBox, vars ...string) *server {
	t.Helper()
	cfg := testConfig(t, append(vars, "OTEL_METRICS_EXPORTER=prometheus")...)
	srv := serve(t, cfg, box)
	seen, err := telemetry.Start(t.Context(), cfg.Telemetry, srv.service.log)
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.service.observe(seen); err != nil {
		t.Fatal(err)
	}
	return srv
}

// TestMetrics: names, types and values, as Prometheus reads them.
func TestMetrics(t *testing.T) {
	box, started, finish := newFakeBox()
	box.slots = 2
	for _, outcome := range outcomes {
		box.runs[string(outcome)] = func(context.Context, sandbox.Job) (sandbox.Result, error) {
			r := okResult
			r.Outcome = outcome
			return r, nil
		}
	}
	box.fail("import os", &sandbox.PolicyError{Violations: []string{"no"}})
	box.fail("lost", sandbox.ErrRunLost)
	srv := measured(t, box)
	srv.post(t, code("import os"))
	srv.post(t, code("lost"))
	srv.do(t, srv.request(t, http.MethodGet, "/nothing", ""))
	srv.post(t, "no JSON")
	box.setReady(errors.New("no interpreter"))
	srv.do(t, srv.request(t, http.MethodGet, "/readyz", "")) // a probe is nobody's refusal
	box.setReady(nil)
	for _, outcome := range outcomes {
		srv.post(t, code(string(outcome)))
	}
	srv.send(t, rawPost(`{"code":"block","memory_mb":100}`))
	expect(t, started, "start")
	defer close(finish)

	a := srv.do(t, srv.request(t, http.MethodGet, "/metrics", ""))
	if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v %s", a.Status, a.Header, a.Body)
	}
	conforms(t, http.MethodGet, "/metrics", a)
	for _, want := range []string{
		"# TYPE codecell_runs_total counter", `codecell_runs_total{outcome="ok"} 1`, `codecell_runs_total{outcome="crashed"} 1`,
		"# TYPE codecell_run_duration_seconds histogram", `codecell_run_duration_seconds_count{outcome="timeout"} 1`,
		`codecell_run_duration_seconds_bucket{outcome="ok",le="0.001"} 0`, `codecell_run_duration_seconds_bucket{outcome="ok",le="0.002"} 1`,
		"# TYPE codecell_run_cpu_seconds histogram", "codecell_run_cpu_seconds_sum 0.005", "codecell_run_cpu_seconds_count 5",
		"# TYPE codecell_run_memory_peak_bytes histogram", "codecell_run_memory_peak_bytes_sum 6.32064e+07",
		"# TYPE codecell_admission_wait_seconds histogram", "codecell_admission_wait_seconds_count 8",
		"# TYPE codecell_refusals_total counter", `codecell_refusals_total{reason="policy"} 1`, `codecell_refusals_total{reason="run-lost"} 1`,
		`codecell_refusals_total{reason="not-found"} 1`, `codecell_refusals_total{reason="malformed-json"} 1`, `codecell_refusals_total{reason="not-ready"} 0`,
		"# TYPE codecell_slots_capacity gauge", "codecell_slots_capacity 2", "codecell_slots_used 1",
		"codecell_memory_limit_bytes 7.38197504e+08", "codecell_memory_reserve_bytes", "codecell_memory_capacity_bytes 1.08003328e+09",
		"codecell_memory_used_bytes 1.08003328e+08",
		"# TYPE codecell_memory_line_kills_total counter", "codecell_memory_line_kills_total 3",
		"# TYPE codecell_zygote_restarts_total counter", "codecell_zygote_restarts_total 1",
		"# TYPE codecell_zygote_forks_total counter", "codecell_zygote_forks_total 20",
		"# TYPE codecell_server_memory_bytes gauge", "codecell_server_memory_bytes 1.6777216e+07",
		"codecell_cgroup_memory_usage_bytes 1.048576e+08", "codecell_cgroup_memory_limit_bytes 7.38197504e+08",
		"# TYPE codecell_cgroup_oom_kills_total counter", "codecell_cgroup_oom_kills_total 4",
		"# TYPE codecell_build_info gauge", `codecell_build_info{go="go1`, `,profile="minimal",python="3.11.2",version="`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",http_route="/execute"} 5`,
	} {
		if !strings.Contains(string(a.Body), want) {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", a.Body)
	}
}

// TestNoCallerAddsASeries: what callers choose is no label, and no exemplar's.
func TestNoCallerAddsASeries(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := measured(t, box)
	series := func() (names []string) {
		a := srv.do(t, srv.request(t, http.MethodGet, "/metrics", "", "Accept: application/openmetrics-text;version=1.0.0"))
		if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/openmetrics-text; version=1.0.0") {
			t.Fatalf("%d %v", a.Status, a.Header)
		}
		if strings.Contains(string(a.Body), "chosen") {
			t.Errorf("a caller's text: %s", a.Body)
		}
		for line := range strings.Lines(string(a.Body)) {
			name, _, _ := strings.Cut(line, " ")
			names = append(names, name)
		}
		return names
	}
	send := func(i string) {
		for _, raw := range []string{
			"POST /execute HTTP/1.1\r\nHost: chosen" + i + "\r\nUser-Agent: chosen" + i + "\r\n" + traceparent + "\r\nContent-Length: 13\r\nContent-Type: application/json\r\n\r\n" + code("ok"),
			"GET /chosen" + i + " HTTP/1.1\r\nHost: x\r\n\r\n",
			"CHOSEN" + i + " /execute HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			within(t, srv.send(t, raw), wait)
		}
	}
	send("")
	// A request is counted when its reply is written, a moment after the client has it.
	all := []string{`reason="not-found"`, `reason="method-not-allowed"`, `code="200"`, `code="405"`}
	var before []string
	until(t, "every kind of request was counted", func() bool {
		before = series()
		return !slices.ContainsFunc(all, func(one string) bool { return !strings.Contains(strings.Join(before, " "), one) })
	})
	for _, i := range []string{"a", "b", "c"} {
		send(i)
	}
	if after := series(); !slices.Equal(before, after) {
		t.Errorf("series were added:\n%q\n%q", before, after)
	}
}

// TestExemplars: a run that is traced is the example of its bucket.
func TestExemplars(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := measured(t, box)
	srv.post(t, code("ok"), traceparent)
	a := srv.do(t, srv.request(t, http.MethodGet, "/metrics", "", "Accept: application/openmetrics-text;version=1.0.0"))
	// Its labels come in any order.
	exemplar := regexp.MustCompile(`(?m)^codecell_runs_total\{outcome="ok"\} 1\.0 # \{[^}]*trace_id="` + callersTrace + `"`)
	if !exemplar.Match(a.Body) || !strings.HasSuffix(string(a.Body), "# EOF\n") {
		t.Errorf("%s", a.Body)
	}
}

// TestMetricsRoute is there only where it was asked for, and not for strangers.
func TestMetricsRoute(t *testing.T) {
	box, _, _ := newFakeBox()
	plain := serve(t, testConfig(t), box)
	if a := plain.do(t, plain.request(t, http.MethodGet, "/metrics", "")); a.Status != http.StatusNotFound {
		t.Errorf("without OTEL_METRICS_EXPORTER=prometheus: %d", a.Status)
	}
	secret := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(secret, []byte("letmein-letmein-please\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	guarded := measured(t, box, "SANDBOX_TOKENS_FILE="+secret)
	for header, status := range map[string]int{"X: y": http.StatusUnauthorized, "Authorization: Bearer letmein-letmein-please": http.StatusOK} {
		a := guarded.do(t, guarded.request(t, http.MethodGet, "/metrics", "", header))
		if a.Status != status {
			t.Errorf("%s: %d, want %d", header, a.Status, status)
		}
		conforms(t, http.MethodGet, "/metrics", a)
	}
	guarded.service.gate.Close()
	a := guarded.do(t, guarded.request(t, http.MethodHead, "/metrics", "", "Authorization: Bearer letmein-letmein-please"))
	if a.Status != http.StatusOK || len(a.Body) != 0 {
		t.Errorf("HEAD while draining: %d", a.Status)
	}
	if a := guarded.do(t, guarded.request(t, http.MethodPost, "/metrics", "", "Authorization: Bearer letmein-letmein-please")); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", a.Status)
	}
}
