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

// Every route.
func TestRoutes(t *testing.T) {
	t.Parallel()
	const small = `{"code":"print(6 * 7)"}`
	head := func(target string) request { return request{method: http.MethodHead, target: target} }
	tests := []struct {
		name string
		r    request
	}{
		{"execute", execute(small)},
		{"execute at the root", request{method: http.MethodPost, target: "/", body: small}},
		{"livez", get("/livez")},
		{"health", get("/health")},
		{"healthz", get("/healthz")},
		{"readyz", get("/readyz")},
		{"ready", get("/ready")},
		{"profile", get("/profile")},
		{"openapi.json", get("/openapi.json")},
		{"openapi.yaml", get("/openapi.yaml")},
		{"HEAD livez", head("/livez")},
		{"HEAD readyz", head("/readyz")},
		{"HEAD profile", head("/profile")},
		{"HEAD openapi.json", head("/openapi.json")},
	}
	for _, bin := range both {
		t.Run(bin.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, bin)
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					wantStatus(t, tt.r, s.do(t, tt.r), http.StatusOK)
				})
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
