package function

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codecell/sandbox"
	"codecell/test/rawhttp"
)

// TestOrderOfChecks has a request for each pair of neighbours in the contract's
// order that fails both: the first of them must answer.
func TestOrderOfChecks(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte("letmein-letmein-please\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The defects, each as a change to a request that has none.
	type request struct {
		method, path, body string
		length             int // -1: the body's
		header             map[string]string
		notReady, busy     bool // of the server
		heavy              bool // memory is taken, a slot is not
	}
	good := func() request {
		return request{
			method: "POST", path: "/execute", body: code("ok"), length: -1,
			header: map[string]string{"Host": "localhost", "Authorization": "Bearer letmein-letmein-please", "Content-Type": "application/json"},
		}
	}
	type defect struct {
		name   string
		status int
		slug   string
		make   func(*request)
	}
	defects := []defect{
		{"404", 404, "not-found", func(r *request) { r.path = "/nowhere" }},
		{"405", 405, "method-not-allowed", func(r *request) { r.method = "PUT" }},
		{"403", 403, "cross-origin", func(r *request) { r.header["Sec-Fetch-Site"] = "cross-site" }},
		{"421", 421, "misdirected", func(r *request) { r.header["Host"] = "evil.example" }},
		{"401", 401, "unauthorized", func(r *request) { delete(r.header, "Authorization") }},
		{"503", 503, "not-ready", func(r *request) { r.notReady = true }},
		{"415", 415, "unsupported-media-type", func(r *request) { r.header["Content-Type"] = "text/plain" }},
		{"413", 413, "too-large", func(r *request) { r.length = MaxBody + 1 }},
		{"429 slot", 429, "at-capacity", func(r *request) { r.busy = true }},
		{"400 cut off", 400, "incomplete-body", func(r *request) {
			if r.length < 0 {
				r.length = len(r.body) + 1
			}
		}},
		{"400 JSON", 400, "malformed-json", func(r *request) { r.body = strings.TrimSuffix(r.body, "}") + "!" }},
		{"422", 422, "invalid-fields", func(r *request) { r.body = strings.Replace(r.body, "{", `{"x":1,`, 1) }},
		{"400 blank", 400, "no-code", func(r *request) { r.body = strings.Replace(r.body, `"ok"`, `" "`, 1) }},
		{"429 bytes", 429, "at-capacity", func(r *request) { r.heavy = true }},
		{"400 policy", 400, "policy", func(r *request) { r.body = strings.Replace(r.body, `"ok"`, `"import os"`, 1) }},
	}
	for i, d := range defects {
		pairs := []defect{{name: "nothing else", make: func(*request) {}}}
		if i+1 < len(defects) {
			pairs = append(pairs, defects[i+1])
		}
		for _, next := range pairs {
			t.Run(d.name+" before "+next.name, func(t *testing.T) {
				r := good()
				next.make(&r) // body defects compose from the inside out
				d.make(&r)

				box, started, _ := newFakeBox()
				box.slots = 2
				box.fail("import os", &sandbox.PolicyError{Violations: []string{"Line 1: no"}})
				srv := serve(t, testConfig(t, "LOCAL_ONLY=true", "SANDBOX_TOKENS_FILE="+tokens), box)
				hold := func(memory string) {
					body := `{"code":"block","memory_mb":` + memory + `}`
					srv.send(t, rawhttp.PostJSON("/execute", body, len(body), "Authorization: Bearer letmein-letmein-please"))
					expect(t, started, "start")
				}
				switch {
				case r.busy:
					hold("64")
					hold("64")
				case r.heavy:
					srv.service.gate.budget = 515 + 100
					hold("512")
				}
				if r.notReady {
					box.setReady(errors.New("no interpreter"))
				}
				if r.length < 0 {
					r.length = len(r.body)
				}
				var header []string
				for name, value := range r.header {
					header = append(header, name+": "+value)
				}
				header = append(header, fmt.Sprintf("Content-Length: %d", r.length))
				c := srv.send(t, rawhttp.Request(r.method, r.path, r.body, header...))
				if d.name == "400 cut off" {
					if err := c.StopSending(); err != nil {
						t.Fatal(err)
					}
				}
				a := within(t, c, wait)
				if a.Status != d.status || a.slug() != d.slug {
					t.Errorf("got %d %s, want %d %s", a.Status, a.Body, d.status, d.slug)
				}
				conforms(t, http.MethodPost, "/execute", a)
			})
		}
	}
}
