//go:build linux

package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"codecell/test/rawhttp"
)

// A request is what is sent, and what its answer is validated as.
type request struct {
	method, target string
	header         []string // "Name: value"
	body           string
	chunked        bool // send the body in chunks, without Content-Length
	untyped        bool // send no Content-Type of application/json
}

func (r request) String() string { return r.method + " " + r.target }

// raw is the request's bytes.
func (r request) raw() string {
	header := r.header
	if r.method != http.MethodPost {
		return rawhttp.Request(r.method, r.target, r.body, header...)
	}
	if !r.untyped {
		header = append([]string{"Content-Type: application/json"}, header...)
	}
	if !r.chunked {
		header = append([]string{"Content-Length: " + itoa(len(r.body))}, header...)
		return rawhttp.Request(r.method, r.target, r.body, header...)
	}
	const chunk = 32 << 10
	var body strings.Builder
	for rest := r.body; rest != ""; {
		n := min(chunk, len(rest))
		fmt.Fprintf(&body, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	body.WriteString("0\r\n\r\n")
	header = append([]string{"Transfer-Encoding: chunked"}, header...)
	return rawhttp.Request(r.method, r.target, body.String(), header...)
}

func get(target string, header ...string) request {
	return request{method: http.MethodGet, target: target, header: header}
}

// execute is POST /execute with this body.
func execute(body string, header ...string) request {
	return request{method: http.MethodPost, target: "/execute", header: header, body: body}
}

// program is the body of a request to run something.
type program struct {
	Code     string  `json:"code"`
	Timeout  float64 `json:"timeout,omitempty"`   // seconds
	MemoryMB int     `json:"memory_mb,omitempty"` // MiB

	Stdin string            `json:"stdin,omitempty"`
	Args  []string          `json:"args,omitempty"`
	Env   map[string]string `json:"env,omitempty"`
}

func (p program) request(header ...string) request {
	body, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return execute(string(body), header...)
}

// endless runs until it is killed.
var endless = program{Code: "while True: pass", Timeout: 30}

// send writes r to conn.
func send(t *testing.T, conn *rawhttp.Conn, r request) {
	t.Helper()
	if err := conn.Send(r.raw()); err != nil {
		t.Fatalf("%v: %v", r, err)
	}
}

// answer reads the answer to r from conn and validates it.
func (s *server) answer(t *testing.T, conn *rawhttp.Conn, r request, within time.Duration) rawhttp.Response {
	t.Helper()
	read := conn.Response
	if r.method == http.MethodHead {
		read = conn.HeadResponse
	}
	resp, err := read(within)
	if err != nil {
		t.Fatalf("%v: %v", r, err)
	}
	wantValid(t, s.bin, r, resp)
	return resp
}

// do makes one request on a connection of its own.
func (s *server) do(t *testing.T, r request) rawhttp.Response {
	t.Helper()
	conn := s.dial(t)
	defer conn.Leave()
	send(t, conn, r)
	return s.answer(t, conn, r, answerTime)
}

// result is the answer to a program that ran.
type result struct {
	Stdout    string `json:"stdout"`
	Stderr    string `json:"stderr"`
	ExitCode  int    `json:"exit_code"`
	TimedOut  bool   `json:"timed_out"`
	Outcome   string `json:"outcome"`
	Truncated struct {
		Stdout bool `json:"stdout"`
		Stderr bool `json:"stderr"`
	} `json:"truncated"`
}

// wantRan fails the test unless the program ran, and returns what it did.
func wantRan(t *testing.T, resp rawhttp.Response) result {
	t.Helper()
	if resp.Status != http.StatusOK {
		t.Fatalf("got %v, want 200", resp)
	}
	var r result
	if err := json.Unmarshal(resp.Body, &r); err != nil {
		t.Fatalf("%v: %v", resp, err)
	}
	return r
}

// wantPrinted fails the test unless the program ran well and printed this.
func wantPrinted(t *testing.T, resp rawhttp.Response, stdout string) {
	t.Helper()
	if r := wantRan(t, resp); r.Stdout != stdout || r.Outcome != "ok" {
		t.Errorf("got %+v, want ok and stdout %q", r, stdout)
	}
}

// problem is every other answer (RFC 9457).
type problem struct {
	Type         string   `json:"type"`
	Title        string   `json:"title"`
	Status       int      `json:"status"`
	Detail       string   `json:"detail"`
	Instance     string   `json:"instance"`
	Error        string   `json:"error"`
	Violations   []string `json:"violations"`
	LatestFreeMS *int64   `json:"latest_free_ms"`
	Errors       []struct {
		Location string          `json:"location"`
		Message  string          `json:"message"`
		Value    json.RawMessage `json:"value"`
	} `json:"errors"`
}

// wantProblem holds an error answer against what is true of all of them, and
// returns it. HEAD has none to look at.
func wantProblem(t *testing.T, r request, resp rawhttp.Response) problem {
	t.Helper()
	var p problem
	if r.method == http.MethodHead {
		return p
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%v: %v is %q, want application/problem+json", r, resp, got)
	}
	if err := json.Unmarshal(resp.Body, &p); err != nil {
		t.Fatalf("%v: %v: %v", r, resp, err)
	}
	if p.Status != resp.Status || p.Title == "" ||
		!strings.HasPrefix(p.Type, "urn:codecell:problem:") || !strings.HasPrefix(p.Instance, "urn:codecell:request:") {
		t.Errorf("%v: %d with %+v: not a problem of ours", r, resp.Status, p)
	}
	return p
}

// wantStatus fails the test unless the answer is a problem of this status.
func wantStatus(t *testing.T, r request, resp rawhttp.Response, status int) {
	t.Helper()
	if resp.Status != status {
		t.Errorf("%v: got %v, want %d", r, resp, status)
	}
}

// wantAtCapacity fails the test unless the answer is a 429 that says when to
// come back.
func wantAtCapacity(t *testing.T, r request, resp rawhttp.Response) {
	t.Helper()
	if resp.Status != http.StatusTooManyRequests {
		t.Errorf("%v: got %v, want 429", r, resp)
		return
	}
	if p := wantProblem(t, r, resp); p.Type != "urn:codecell:problem:at-capacity" || p.Error != "At capacity" || p.LatestFreeMS == nil {
		t.Errorf("%v: %+v does not say that we are at capacity", r, p)
	}
	wantRetryAfter(t, r, resp)
}

func wantRetryAfter(t *testing.T, r request, resp rawhttp.Response) {
	t.Helper()
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 30 {
		t.Errorf("%v: %d with Retry-After %q, want 1 to 30 s", r, resp.Status, resp.Header.Get("Retry-After"))
	}
}

// admission is the part of GET /profile that says who is in.
type admission struct {
	InFlight      int `json:"in_flight"`
	Waiting       int `json:"waiting"`
	MaxConcurrent int `json:"max_concurrent"`
}

func (s *server) admission(t *testing.T) admission {
	t.Helper()
	var profile struct {
		Admission admission `json:"admission"`
	}
	resp := s.do(t, get("/profile"))
	if err := json.Unmarshal(resp.Body, &profile); err != nil {
		t.Fatal(err)
	}
	return profile.Admission
}

// await polls the server's admission until it is as wanted: what happens
// behind a server has no event that a client could wait for.
func (s *server) await(t *testing.T, what string, ok func(admission) bool) {
	t.Helper()
	deadline := time.After(answerTime)
	for tick := time.Tick(poll); ; {
		now := s.admission(t)
		if ok(now) {
			return
		}
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("waited in vain: %s; it is %+v", what, now)
		}
	}
}

// occupy starts a program and returns the connection that waits for it, once it runs.
func (s *server) occupy(t *testing.T, p program) *rawhttp.Conn {
	t.Helper()
	conn := s.dial(t)
	send(t, conn, p.request())
	s.await(t, "a run in flight", func(a admission) bool { return a.InFlight == 1 })
	return conn
}

func itoa(n int) string { return strconv.Itoa(n) }

// cutLast cuts s around its last space.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
