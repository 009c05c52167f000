package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"codecell/sandbox"
	"codecell/test/rawhttp"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

var contract = sync.OnceValues(func() (validator.Validator, error) {
	doc, err := libopenapi.NewDocument(openAPI)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if ok, found := v.ValidateDocument(); !ok {
		return nil, fmt.Errorf("openapi.yaml: %v", found)
	}
	return v, nil
})

// conforms holds an answer against openapi.yaml, and against what holds for
// every answer.
func conforms(t *testing.T, method, path string, a answer) {
	t.Helper()
	v, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s %s: %d without no-store or nosniff: %v", method, path, a.Status, a.Header)
	}
	if method != http.MethodHead && a.Header.Get("Content-Length") != fmt.Sprint(len(a.Body)) {
		t.Errorf("%s %s: %d with Content-Length %q and %d bytes", method, path, a.Status, a.Header.Get("Content-Length"), len(a.Body))
	}
	if a.Status >= 400 && method != http.MethodHead {
		if a.Header.Get("Content-Type") != problemMedia || a.JSON["status"] != float64(a.Status) || a.slug() == "" {
			t.Errorf("%s %s: %d is no problem: %s", method, path, a.Status, a.Body)
		}
	}
	if a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed {
		return // not in the document, by their nature
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp := &http.Response{StatusCode: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), Request: req}
	if ok, found := v.ValidateHttpResponse(req, resp); !ok {
		for _, f := range found {
			t.Errorf("%s %s: %d against openapi.yaml: %v", method, path, a.Status, f)
		}
		t.Logf("%s", a.Body)
	}
}

// TestContract has every status and every problem at least once.
func TestContract(t *testing.T) {
	box, started, finish := newFakeBox()
	box.runs["print"] = func(context.Context, sandbox.Job) (sandbox.Result, error) {
		return sandbox.Result{
			Stdout:   sandbox.Output{Data: []byte("a\xff\x01"), Truncated: true},
			ExitCode: -9, TimedOut: true, Outcome: sandbox.OutcomeTimeout,
		}, nil
	}
	box.fail("import os", &sandbox.PolicyError{Violations: []string{"Line 1: import of 'os' is not allowed (not in allowed imports)"}})
	box.fail("lost", sandbox.ErrRunLost)
	box.fail("cold", sandbox.ErrNotReady)
	box.fail("broken", &sandbox.SetupError{Step: "seccomp", Err: errors.New("secret of ours")})
	box.runs["panic"] = func(context.Context, sandbox.Job) (sandbox.Result, error) { panic("secret of ours") }
	secret := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(secret, []byte("letmein-letmein-please\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := serve(t, testConfig(t), box)
	guarded := serve(t, testConfig(t, "SANDBOX_TOKENS_FILE="+secret, "LOCAL_ONLY=true"), box)

	big := strings.Repeat("x", MaxBody)
	for _, c := range []struct {
		name    string
		srv     *server
		request string // method and path
		body    string
		header  string // one line
		status  int
		slug    string
		error   string // where the contract fixes it
	}{
		{"run", plain, "POST /execute", code("ok"), "", 200, "", ""},
		{"run at root", plain, "POST /", code("ok"), "", 200, "", ""},
		{"odd output", plain, "POST /execute", code("print"), "", 200, "", ""},
		{"type in any case", plain, "POST /execute", code("ok"), `Content-Type: Application/JSON; Charset="UTF-8"; v=1`, 200, "", ""},
		{"identity", plain, "POST /execute", code("ok"), "Content-Encoding: identity", 200, "", ""},
		{"no route", plain, "GET /nowhere", "", "", 404, "not-found", ""},
		{"no such path", plain, "POST /execute/", code("ok"), "", 404, "not-found", ""},
		{"method", plain, "GET /execute", "", "", 405, "method-not-allowed", ""},
		{"method of GET", plain, "POST /livez", code("ok"), "", 405, "method-not-allowed", ""},
		{"options", plain, "OPTIONS /execute", "", "", 405, "method-not-allowed", ""},
		{"cross-origin", plain, "POST /execute", code("ok"), "Sec-Fetch-Site: cross-site", 403, "cross-origin", ""},
		{"old browser", plain, "POST /execute", code("ok"), "Origin: https://evil.example", 403, "cross-origin", ""},
		{"foreign host", guarded, "GET /livez", "", "Host: evil.example", 421, "misdirected", ""},
		{"no token", guarded, "POST /execute", code("ok"), "", 401, "unauthorized", ""},
		{"no token for profile", guarded, "GET /profile", "", "", 401, "unauthorized", ""},
		{"bad token", guarded, "POST /execute", code("ok"), "Authorization: Bearer letmeon", 401, "unauthorized", ""},
		{"token", guarded, "POST /execute", code("ok"), "Authorization: bearer letmein-letmein-please", 200, "", ""},
		{"health without token", guarded, "GET /readyz", "", "", 200, "", ""},
		{"type", plain, "POST /execute", code("ok"), "Content-Type: text/plain", 415, "unsupported-media-type", ""},
		{"charset", plain, "POST /execute", code("ok"), "Content-Type: application/json; charset=latin1", 415, "unsupported-media-type", ""},
		{"encoding", plain, "POST /execute", code("ok"), "Content-Encoding: gzip", 415, "unsupported-media-type", ""},
		{"too large", plain, "POST /execute", big + "x", "", 413, "too-large", ""},
		{"exactly 1 MiB", plain, "POST /execute", `{"code":"` + big[:MaxBody-11] + `"}`, "", 200, "", ""},
		{"no JSON", plain, "POST /execute", "{code", "", 400, "malformed-json", ""},
		{"fields", plain, "POST /execute", `{"timeout":null,"Code":"x"}`, "", 422, "invalid-fields", ""},
		{"blank", plain, "POST /execute", `{"code":" \n\t"}`, "", 400, "no-code", "No code provided"},
		{"policy", plain, "POST /execute", code("import os"), "", 400, "policy", "Code validation failed"},
		{"lost", plain, "POST /execute", code("lost"), "", 503, "run-lost", ""},
		{"cold", plain, "POST /execute", code("cold"), "", 503, "not-ready", ""},
		{"ours", plain, "POST /execute", code("broken"), "", 500, "internal", ""},
		{"panic", plain, "POST /execute", code("panic"), "", 500, "internal", ""},
		{"livez", plain, "GET /livez", "", "", 200, "", ""},
		{"health", plain, "GET /health", "", "", 200, "", ""},
		{"healthz", plain, "GET /healthz", "", "", 200, "", ""},
		{"readyz", plain, "GET /readyz", "", "", 200, "", ""},
		{"ready", plain, "GET /ready", "", "", 200, "", ""},
		{"profile", plain, "GET /profile", "", "", 200, "", ""},
		{"json", plain, "GET /openapi.json", "", "", 200, "", ""},
		{"yaml", plain, "GET /openapi.yaml", "", "", 200, "", ""},
		{"head", plain, "HEAD /livez", "", "", 200, "", ""},
		{"head", plain, "HEAD /profile", "", "", 200, "", ""},
		{"head", plain, "HEAD /openapi.json", "", "", 200, "", ""},
		{"head", plain, "HEAD /readyz", "", "", 200, "", ""},
		{"head", plain, "HEAD /execute", "", "", 405, "method-not-allowed", ""},
	} {
		t.Run(c.name+" "+c.request, func(t *testing.T) {
			method, path, _ := strings.Cut(c.request, " ")
			var header []string
			if c.header != "" {
				header = append(header, c.header)
			}
			a := c.srv.do(t, c.srv.request(t, method, path, c.body, header...))
			if a.Status != c.status || method != http.MethodHead && a.slug() != c.slug {
				t.Fatalf("got %d %s, want %d %s", a.Status, a.Body, c.status, c.slug)
			}
			if c.error != "" && a.JSON["error"] != c.error {
				t.Errorf("error is %q, want %q", a.JSON["error"], c.error)
			}
			if bytes.Contains(a.Body, []byte("secret")) {
				t.Errorf("the answer tells what is for the log only: %s", a.Body)
			}
			conforms(t, method, path, a)
		})
	}

	t.Run("429", func(t *testing.T) {
		running := plain.send(t, rawPost(code("block")))
		expect(t, started, "start")
		a := plain.post(t, code("ok"))
		if a.Status != 429 || a.JSON["error"] != "At capacity" || a.JSON["latest_free_ms"] == nil {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		conforms(t, http.MethodPost, "/execute", a)
		close(finish)
		within(t, running, wait) // its slot is free again
	})
	t.Run("408", func(t *testing.T) {
		x := newExchange(nil, nil, plain.service.log)
		rep := x.refuse(errBodyLate)
		a := toAnswer(rep.status, http.Header{
			"Content-Type": {rep.mediaType}, "Content-Length": {fmt.Sprint(len(rep.body))},
			"Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
		}, rep.body)
		conforms(t, http.MethodPost, "/execute", a)
	})
	t.Run("cut off", func(t *testing.T) {
		c := plain.send(t, rawhttp.PostJSON("/execute", `{"code":`, 100))
		if err := c.StopSending(); err != nil {
			t.Fatal(err)
		}
		a := within(t, c, wait)
		if a.Status != 400 || a.slug() != "incomplete-body" {
			t.Errorf("got %d %s", a.Status, a.Body)
		}
		conforms(t, http.MethodPost, "/execute", a)
	})
	t.Run("not ready", func(t *testing.T) {
		box.setReady(errors.New("the interpreter is being replaced"))
		defer box.setReady(nil)
		for _, request := range []string{"POST /execute", "GET /readyz", "HEAD /ready"} {
			method, path, _ := strings.Cut(request, " ")
			a := plain.do(t, plain.request(t, method, path, ""))
			if a.Status != 503 || a.Header.Get("Retry-After") != "1" {
				t.Errorf("%s: got %d %s", request, a.Status, a.Body)
			}
			if method == http.MethodGet && !strings.Contains(string(a.Body), "being replaced") {
				t.Errorf("%s does not give the reason: %s", request, a.Body)
			}
			conforms(t, method, path, a)
		}
		if a := plain.do(t, plain.request(t, "GET", "/livez", "")); a.Status != 200 {
			t.Errorf("livez: got %d", a.Status)
		}
	})
	t.Run("draining", func(t *testing.T) {
		if err := guarded.service.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, request := range []string{"POST /execute", "GET /readyz"} {
			method, path, _ := strings.Cut(request, " ")
			a := guarded.do(t, guarded.request(t, method, path, "", "Authorization: Bearer letmein-letmein-please"))
			if a.Status != 503 || a.slug() != "draining" {
				t.Errorf("%s: got %d %s", request, a.Status, a.Body)
			}
			conforms(t, method, path, a)
		}
		if a := guarded.do(t, guarded.request(t, "GET", "/livez", "")); a.Status != 200 {
			t.Errorf("livez: got %d", a.Status)
		}
	})

	if logged := plain.log.String(); !strings.Contains(logged, "secret of ours") || !strings.Contains(logged, "stack") {
		t.Error("the log lacks the details that answers must not have")
	}
}

// TestProfileRoute has the fields that callers of the predecessor know.
func TestProfileRoute(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t, "SANDBOX_MAX_WAIT=2s"), box)
	a := srv.do(t, srv.request(t, "GET", "/profile", ""))
	got, err := json.Marshal(a.JSON)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name":"minimal"`, `"description":"for tests"`, `"allowed_imports":["csv","json","math"]`, `"blocklist_entries":0`,
		`"pre":["ast_scan","blocklist_audit"]`, `"post":[]`, `"blocklist_audit":"observe"`,
		`"budget_mib":515`, `"in_flight":0`, `"max_concurrent":1`, `"max_wait_seconds":2`,
		`"isolation":[{"detail":"for tests","layer":"seccomp","state":"active"}]`,
		`"runtime":{"language":"python","version":"3.11.2"}`,
	} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

// TestLogLine has what to find a request by, and never what it contained.
func TestLogLine(t *testing.T) {
	box, _, _ := newFakeBox()
	srv := serve(t, testConfig(t), box)
	a := srv.post(t, code("print('topsecret')"), "Authorization: Bearer topsecret")
	if a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	srv.do(t, srv.request(t, "GET", "/topsecret", ""))
	a = srv.post(t, `{"code":"x","topsecret":1}`)
	id, ok := strings.CutPrefix(a.JSON["instance"].(string), requestURN) //nolint:forcetypeassert // a panic fails the test
	srv.Close()                                                          // a line follows its answer: wait for the handlers
	logged := srv.log.String()
	if !ok || !strings.Contains(logged, `"id":"`+id+`"`) {
		t.Errorf("no line with the instance %v in %s", a.JSON["instance"], logged)
	}
	for _, want := range []string{`"code_sha256":"`, `"outcome":"ok"`, `"wall_ms":1.234`, `"route":"/execute"`, `"problem":"not-found"`} {
		if !strings.Contains(logged, want) {
			t.Errorf("no %s in %s", want, logged)
		}
	}
	if strings.Contains(logged, "topsecret") {
		t.Errorf("the log has what a request contained: %s", logged)
	}
}
