//go:build linux

package contract

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"

	"codecell/test/rawhttp"
)

// Every route, and every refusal that one request alone brings about.
func TestRoutes(t *testing.T) {
	t.Parallel()
	const small = `{"code":"print(6 * 7)"}`
	head := func(target string) request { return request{method: http.MethodHead, target: target} }
	untyped := func(header ...string) request {
		r := execute(small, header...)
		r.untyped = true
		return r
	}
	tests := []struct {
		name   string
		r      request
		status int
		header string // must be there
	}{
		{"execute", execute(small), 200, ""},
		{"execute at the root", request{method: http.MethodPost, target: "/", body: small}, 200, ""},
		{"livez", get("/livez"), 200, ""},
		{"health", get("/health"), 200, ""},
		{"healthz", get("/healthz"), 200, ""},
		{"readyz", get("/readyz"), 200, ""},
		{"ready", get("/ready"), 200, ""},
		{"profile", get("/profile"), 200, ""},
		{"openapi.json", get("/openapi.json"), 200, ""},
		{"openapi.yaml", get("/openapi.yaml"), 200, ""},
		{"HEAD livez", head("/livez"), 200, ""},
		{"HEAD readyz", head("/readyz"), 200, ""},
		{"HEAD profile", head("/profile"), 200, ""},
		{"HEAD openapi.json", head("/openapi.json"), 200, ""},

		{"no such route", get("/nope"), 404, ""},
		{"a route with more behind it", request{method: http.MethodPost, target: "/execute/more", body: small}, 404, ""},
		{"GET execute", get("/execute"), 405, "Allow"},
		{"HEAD execute", head("/execute"), 405, "Allow"},
		{"DELETE execute", request{method: http.MethodDelete, target: "/execute"}, 405, "Allow"},
		{"POST livez", request{method: http.MethodPost, target: "/livez", body: small}, 405, "Allow"},

		{"cross-site by Sec-Fetch-Site", execute(small, "Sec-Fetch-Site: cross-site"), 403, ""},
		{"cross-origin by Origin", execute(small, "Origin: https://evil.example"), 403, ""},
		{"same origin", execute(small, "Sec-Fetch-Site: same-origin"), 200, ""},
		{"foreign Host", execute(small, "Host: evil.example"), 421, ""},
		{"foreign Host at livez", get("/livez", "Host: evil.example"), 421, ""},
		{"foreign Host at readyz", get("/readyz", "Host: evil.example"), 421, ""},
		{"foreign Host at profile", get("/profile", "Host: evil.example"), 421, ""},
		{"foreign Host at openapi.json", get("/openapi.json", "Host: evil.example"), 421, ""},
		{"foreign Host at openapi.yaml", get("/openapi.yaml", "Host: evil.example"), 421, ""},
		{"Host with a port", execute(small, "Host: localhost:8080"), 200, ""},
		{"Host 127.0.0.1", execute(small, "Host: 127.0.0.1"), 200, ""},

		{"text/plain", untyped("Content-Type: text/plain"), 415, ""},
		{"no media type", untyped(), 415, ""},
		{"a form", untyped("Content-Type: application/x-www-form-urlencoded"), 415, ""},
		{"a longer media type", untyped("Content-Type: application/jsonlines"), 415, ""},
		{"a compressed body", execute(small, "Content-Encoding: gzip"), 415, ""},
		{"with a parameter", untyped("Content-Type: application/json; charset=utf-8"), 200, ""},
		{"in capitals", untyped("Content-Type: APPLICATION/JSON"), 200, ""},

		{"blank code", execute(`{"code":" \n\t"}`), 400, ""},
		{"an array", execute(`[]`), 400, ""},
		{"nothing", execute(``), 400, ""},
		{"cut off", execute(`{"code":"print`), 400, ""},
		{"trailing data", execute(small + small), 400, ""},
		{"duplicate names", execute(`{"code":"print(1)","code":"print(2)"}`), 400, ""},
		{"duplicate names, one escaped", execute(`{"code":"print(1)","\u0063ode":"print(2)"}`), 400, ""},
		{"invalid UTF-8", execute("{\"code\":\"print('\xff')\"}"), 400, ""},
		{"a lone surrogate", execute(`{"code":"print('\ud800')"}`), 400, ""},
		{"policy", program{Code: "import os\nimport sys"}.request(), 400, ""},
		{"syntax", program{Code: "print("}.request(), 400, ""},

		{"no code", execute(`{}`), 422, ""},
		{"code of another type", execute(`{"code":1}`), 422, ""},
		{"code null", execute(`{"code":null}`), 422, ""},
		{"timeout as a string", execute(`{"code":"1","timeout":"5"}`), 422, ""},
		{"timeout 0", execute(`{"code":"1","timeout":0}`), 422, ""},
		{"timeout beyond the profile's", execute(`{"code":"1","timeout":30.001}`), 422, ""},
		{"too little memory", execute(`{"code":"1","memory_mb":63}`), 422, ""},
		{"too much memory", execute(`{"code":"1","memory_mb":513}`), 422, ""},
		{"a fraction of a MiB", execute(`{"code":"1","memory_mb":64.5}`), 422, ""},
		{"an unknown name", execute(`{"code":"1","Timeout":5}`), 422, ""},
		{"the bounds themselves", execute(`{"code":"print()","timeout":30,"memory_mb":512}`), 200, ""},
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					resp := s.do(t, tt.r)
					wantStatus(t, tt.r, resp, tt.status)
					if tt.header != "" && resp.Header.Get(tt.header) == "" {
						t.Errorf("%v: %d without %s", tt.r, resp.Status, tt.header)
					}
				})
			}
		})
	}
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			ask := func(r request) problem { return wantProblem(t, r, s.do(t, r)) }

			if p := ask(execute(`{"code":" "}`)); p.Error != "No code provided" {
				t.Errorf("blank code: %+v", p)
			}
			p := ask(program{Code: "import math\nimport os\nfrom sys import path\n"}.request())
			if p.Type != "urn:codecell:problem:policy" || p.Error != "Code validation failed" || len(p.Violations) != 2 ||
				p.Violations[0] != "Line 2: import of 'os' is not allowed (not in allowed imports)" ||
				!strings.HasPrefix(p.Violations[1], "Line 3: ") {
				t.Errorf("two forbidden imports: %+v", p)
			}
			if p := ask(program{Code: "x = 1\nprint("}.request()); len(p.Violations) != 1 || !strings.HasPrefix(p.Violations[0], "SyntaxError: ") || !strings.HasSuffix(p.Violations[0], "(line 2)") {
				t.Errorf("a syntax error: %+v", p)
			}
			if p := ask(execute(`{"code":1,"timeout":99,"colour":"red"}`)); len(p.Errors) != 3 {
				t.Errorf("three wrong fields: %+v", p)
			}
		})
	}
}

// What is served is the document that all these answers are held against.
func TestServedDocument(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../function/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			if got := start(t, bin).do(t, get("/openapi.yaml")); !bytes.Equal(got.Body, want) {
				t.Errorf("GET /openapi.yaml is not the repository's document: %d bytes, want %d", len(got.Body), len(want))
			}
		})
	}
}

func TestDocumentIsOpenAPI(t *testing.T) {
	t.Parallel()
	v, err := documentValidator()
	if err != nil {
		t.Fatal(err)
	}
	validating.Lock()
	defer validating.Unlock()
	if ok, errs := v.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("the document: %s: %s", err.Message, err.Reason)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		p    program
		want func(result) bool
	}{
		{"ok", program{Code: "print(6 * 7)"}, func(r result) bool {
			return r.Outcome == "ok" && r.Stdout == "42\n" && r.Stderr == "" && r.ExitCode == 0 && !r.TimedOut
		}},
		{"uncaught exception", program{Code: "x = 1\nx / 0\n"}, func(r result) bool {
			return r.Outcome == "failed" && r.ExitCode == 1 && strings.Contains(r.Stderr, "line 2") &&
				strings.HasSuffix(r.Stderr, "ZeroDivisionError: division by zero\n")
		}},
		{"exit code", program{Code: "raise SystemExit(7)"}, func(r result) bool {
			return r.Outcome == "failed" && r.ExitCode == 7 && r.Stderr == ""
		}},
		{"timeout", program{Code: "print('so far')\nwhile True: pass", Timeout: 0.5}, func(r result) bool {
			return r.Outcome == "timeout" && r.ExitCode == -9 && r.TimedOut && r.Stdout == "so far\n" &&
				strings.HasSuffix(r.Stderr, "Execution timed out after 0.5s")
		}},
		{"memory", program{Code: "x = 'x' * (600 << 20)"}, func(r result) bool {
			return r.Outcome == "memory_limit" && r.ExitCode == 1 && !r.TimedOut
		}},
		{"memory as asked for", program{Code: "x = 'x' * (100 << 20)", MemoryMB: 96}, func(r result) bool {
			return r.Outcome == "memory_limit"
		}},
		{"too much output", program{Code: "print('x' * 60000)"}, func(r result) bool {
			return r.Outcome == "ok" && r.Truncated.Stdout && !r.Truncated.Stderr &&
				r.Stdout == strings.Repeat("x", 50<<10)+"\n[output truncated at 50 KB]"
		}},
		{"control characters", program{Code: "print('\\0' * 3)"}, func(r result) bool {
			return r.Stdout == "\x00\x00\x00\n"
		}},
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					if got := wantRan(t, s.do(t, tt.p.request())); !tt.want(got) {
						got.Stdout = got.Stdout[:min(len(got.Stdout), 200)]
						t.Errorf("got %+v", got)
					}
				})
			}
		})
	}
}

// A request that is refused for more than one reason is refused for the first.
// function's own tests cover each pair of checks; this one sees that neither
// server puts a check of its own before them.
func TestOrderOfChecks(t *testing.T) {
	t.Parallel()
	tooLarge := strings.Repeat("x", 1<<20+1)
	tests := []struct {
		name   string
		raw    string
		status int
	}{
		{"404 before 403", rawhttp.Request("POST", "/nope", "", "Origin: https://evil.example", "Content-Length: 0"), 404},
		{"405 before 421", rawhttp.Request("PUT", "/execute", "", "Host: evil.example", "Content-Length: 0"), 405},
		{"403 before 421", rawhttp.Request("POST", "/execute", "", "Host: evil.example", "Sec-Fetch-Site: cross-site", "Content-Length: 0"), 403},
		{"421 before 415", rawhttp.Request("POST", "/execute", "", "Host: evil.example", "Content-Length: 0"), 421},
		{"415 before 413", rawhttp.Request("POST", "/execute", tooLarge, "Content-Length: 1048577"), 415},
		{"413 before 400", rawhttp.PostJSON("/execute", tooLarge, len(tooLarge)), 413},
		{"400 before 422", rawhttp.PostJSON("/execute", `{"code":1}]`, 11), 400},
		{"422 before blank", rawhttp.PostJSON("/execute", `{"code":"","timeout":0}`, 23), 422},
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					conn := s.dial(t)
					// The server may answer, and close, before it has all of it.
					_ = conn.Send(tt.raw)
					r := request{method: http.MethodPost, target: "/execute"}
					resp, err := conn.Response(answerTime)
					if err != nil {
						t.Fatal(err)
					}
					wantStatus(t, r, resp, tt.status)
					wantProblem(t, r, resp)
				})
			}
		})
	}
}
