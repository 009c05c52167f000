package function

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"codecell/sandbox"
	"codecell/test/rawhttp"
)

// fakeBox is a sandbox whose programs are Go functions, chosen by the source.
type fakeBox struct {
	slots int
	runs  map[string]func(context.Context, sandbox.Job) (sandbox.Result, error)

	mu       sync.Mutex
	notReady error
}

// newFakeBox knows the programs that tests use everywhere:
//
//	ok      prints "42\n"
//	block   says so on started, then runs until it is killed or finish is closed
func newFakeBox() (box *fakeBox, started chan struct{}, finish chan struct{}) {
	started, finish = make(chan struct{}, 100), make(chan struct{})
	return &fakeBox{
		slots: 1,
		runs: map[string]func(context.Context, sandbox.Job) (sandbox.Result, error){
			"ok": func(context.Context, sandbox.Job) (sandbox.Result, error) { return okResult, nil },
			"block": func(ctx context.Context, job sandbox.Job) (sandbox.Result, error) {
				started <- struct{}{}
				select {
				case <-finish:
					return okResult, nil
				case <-ctx.Done():
					job.Killed()
					return sandbox.Result{}, context.Cause(ctx)
				}
			},
		},
	}, started, finish
}

var okResult = sandbox.Result{
	Stdout:  sandbox.Output{Data: []byte("42\n")},
	Outcome: sandbox.OutcomeOK,
	Usage:   sandbox.Usage{Wall: 1234 * time.Microsecond, CPU: time.Millisecond, MaxRSS: 12345},
}

// fail adds a program that ends in this error.
func (f *fakeBox) fail(code string, err error) {
	f.runs[code] = func(context.Context, sandbox.Job) (sandbox.Result, error) { return sandbox.Result{}, err }
}

func (f *fakeBox) Run(ctx context.Context, job sandbox.Job) (sandbox.Result, error) {
	if run, ok := f.runs[job.Code]; ok {
		return run(ctx, job)
	}
	return okResult, nil
}

func (f *fakeBox) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notReady
}

func (f *fakeBox) setReady(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notReady = err
}

func (f *fakeBox) Profile() *sandbox.Profile {
	return &testProfile
}

var testProfile = sandbox.Profile{
	Name: "minimal", Description: "for tests",
	Limits:  sandbox.ProfileLimits{LeastMemory: sandbox.MinMemory, Memory: 512, MaxTimeout: 30 * time.Second, DefaultTimeout: 10 * time.Second},
	Imports: []string{"math", "json", "csv"},
	Env:     []string{"DEBUG", "APP_*"},
	Policy: sandbox.Policy{
		ASTScan:        sandbox.ASTScan{Mode: sandbox.ModeEnforce},
		BlocklistAudit: sandbox.BlocklistAudit{Mode: sandbox.ModeObserve},
	},
}

func (f *fakeBox) Budget() sandbox.Budget {
	return sandbox.Budget{Beside: 3, Limit: 704, Reserve: 704 - 515*sandbox.MiB(f.slots), Weight: 515, Slots: f.slots}
}

func (f *fakeBox) Layers() []sandbox.Layer {
	return []sandbox.Layer{{Name: "seccomp", State: sandbox.LayerActive, Detail: "for tests"}}
}

func (f *fakeBox) Runtime() sandbox.Runtime {
	return sandbox.Runtime{Language: "python", Version: "3.11.2"}
}

func (f *fakeBox) Counts() sandbox.Counts {
	return sandbox.Counts{ZygotesLost: 1, Forks: 20, MemoryLineKills: 3}
}

func (f *fakeBox) Memory() (sandbox.Memory, error) {
	return sandbox.Memory{Server: 16 << 20, Cgroup: true, Usage: 100 << 20, Limit: 704 << 20, OOMKills: 4}, nil
}
func (f *fakeBox) Close() error { return nil }

// server is a service behind net/http's server, and what it logged.
type server struct {
	*httptest.Server
	service *Service
	log     *lockedBuffer
}

func serve(t *testing.T, cfg Config, box runner) *server {
	t.Helper()
	log := &lockedBuffer{}
	s, err := newService(cfg, box, slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	srv := &server{Server: httptest.NewServer(s), service: s, log: log}
	t.Cleanup(func() {
		s.kill() // whatever a test left running
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv
}

// testConfig is the default of everything.
func testConfig(t *testing.T, vars ...string) Config {
	t.Helper()
	cfg, err := ParseConfig(environ(vars...))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// environ is a getenv over NAME=value pairs.
func environ(vars ...string) func(string) string {
	values := make(map[string]string)
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// answer is what came back, decoded as far as it is JSON.
type answer struct {
	Status int
	Header http.Header
	Close  bool // of a raw connection: it will be closed
	Body   []byte
	JSON   map[string]any
}

func (a answer) slug() string {
	s, _ := a.JSON["type"].(string)
	return strings.TrimPrefix(s, problemType)
}

func (s *server) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return toAnswer(resp.StatusCode, resp.Header, body)
}

func toAnswer(status int, header http.Header, body []byte) answer {
	a := answer{Status: status, Header: header, Body: body}
	_ = json.Unmarshal(body, &a.JSON) // openapi.yaml is no JSON
	return a
}

// request builds one, with "Name: value" header lines.
func (s *server) request(t *testing.T, method, path, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	return req
}

func (s *server) post(t *testing.T, body string, header ...string) answer {
	t.Helper()
	return s.do(t, s.request(t, http.MethodPost, "/execute", body, header...))
}

// code is the body that asks for this program.
func code(source string) string {
	b, err := json.Marshal(map[string]string{"code": source})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// dial opens a raw connection that the test's end closes.
func (s *server) dial(t *testing.T) *rawhttp.Conn {
	t.Helper()
	c, err := rawhttp.Dial(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Leave() }) // a second time for some
	return c
}

// send writes on a new raw connection.
func (s *server) send(t *testing.T, raw string) *rawhttp.Conn {
	t.Helper()
	c := s.dial(t)
	if err := c.Send(raw); err != nil {
		t.Fatal(err)
	}
	return c
}

// within reads the next answer on c, which must come in time.
func within(t *testing.T, c *rawhttp.Conn, d time.Duration) answer {
	t.Helper()
	resp, err := c.Response(d)
	if err != nil {
		t.Fatal(err)
	}
	a := toAnswer(resp.Status, resp.Header, resp.Body)
	a.Close = resp.Close
	return a
}

// post is a raw POST of a whole body.
func rawPost(body string) string { return rawhttp.PostJSON("/execute", body, len(body)) }

// wait is how long a test waits for what must happen.
const wait = 5 * time.Second

func expect(t *testing.T, ch <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(wait):
		t.Fatalf("%s: not within %v", what, wait)
	}
}

// until polls for what nothing announces, such as how many requests wait.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(wait); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, wait)
		}
	}
}
