package function

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"codecell/sandbox"
)

func TestWantsEvents(t *testing.T) {
	for accept, want := range map[string]bool{
		"":                                 false,
		"*/*":                              false,
		"text/*":                           false,
		"application/json":                 false,
		"text/event-stream":                true,
		"Text/Event-Stream; charset=utf-8": true,
		"text/event-stream;q=0":            false,
		"text/event-stream;q=0.1":          true,
		"text/event-stream, */*;q=0.1":     true,
		"text/event-stream, */*":           true,
		"text/event-stream;q=0.5, */*":     false,
		"*/*, text/event-stream;q=0.1":     false,
		"application/*;q=0.2, text/event-stream;q=0.1, */*;q=0": false,
		"application/*;q=0, text/event-stream;q=0.1, */*":       true,
		"text/event-stream, application/json":                   false, // liked as much
		"application/json;q=0.5, text/event-stream":             true,
		"application/json, text/event-stream;q=0.9":             false,
		"text/event-stream;q=x":                                 false,
		"text/event-stream;;":                                   false,
		"text/html, application/xml;q=0.9, image/*;q=0.8":       false,
	} {
		if got := wantsEvents(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
}

// event is one of an answer's, or a comment with the name ":".
type event struct {
	name string
	data string
}

// nextEvent reads one event, strictly in the form that ours have.
func nextEvent(r *bufio.Reader) (event, error) {
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return event{}, err
		}
		if line = strings.TrimSuffix(line, "\n"); line == "" {
			break
		}
		lines = append(lines, line)
	}
	if len(lines) == 1 && lines[0] == ":" {
		return event{name: ":"}, nil
	}
	if len(lines) != 2 {
		return event{}, fmt.Errorf("%d lines: %q", len(lines), lines)
	}
	name, named := strings.CutPrefix(lines[0], "event: ")
	data, has := strings.CutPrefix(lines[1], "data: ")
	if !named || !has || !json.Valid([]byte(data)) {
		return event{}, fmt.Errorf("no event: %q", lines)
	}
	return event{name, data}, nil
}

func textOf(t *testing.T, e event) string {
	t.Helper()
	var data struct{ Text *string }
	if err := json.Unmarshal([]byte(e.data), &data); err != nil || data.Text == nil {
		t.Fatalf("%s: %s: %v", e.name, e.data, err)
	}
	return *data.Text
}

// ask sends a request whose answer is to come in events.
func (s *server) ask(t *testing.T, body string) (*http.Response, *bufio.Reader) {
	t.Helper()
	resp, err := s.Client().Do(s.request(t, http.MethodPost, "/execute", body, "Accept: text/event-stream"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() }) // read to its end, or left on purpose
	return resp, bufio.NewReader(resp.Body)
}

// TestEventsAsTheyCome: each piece of output is there while the program runs, in the
// order in which it was printed; the result is the last, and the next request is served.
func TestEventsAsTheyCome(t *testing.T) {
	box, _, _ := newFakeBox()
	goOn := make(chan struct{})
	box.runs["talks"] = func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
		var out, err []byte
		for _, step := range []struct {
			kept   *[]byte
			stream sandbox.Stream
			text   string
		}{
			{&out, sandbox.Stdout, "a\n"},
			{&err, sandbox.Stderr, "warning\r\n"},
			{&out, sandbox.Stdout, "\xe2\x82"},
			{&err, sandbox.Stderr, "\xff\xf0"},
			{&out, sandbox.Stdout, "\xac\x00"},
		} {
			*step.kept = append(*step.kept, step.text...)
			job.Follow(step.stream, *step.kept)
			<-goOn
		}
		return sandbox.Result{Stdout: sandbox.Output{Data: out}, Stderr: sandbox.Output{Data: err}, Outcome: sandbox.OutcomeOK}, nil
	}
	srv := serve(t, testConfig(t), box)
	resp, r := srv.ask(t, code("talks"))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != eventMedia || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	for i, want := range []struct{ name, text string }{
		{"stdout", "a\n"}, {"stderr", "warning\r\n"}, {}, {"stderr", "\ufffd"}, {"stdout", "€\x00"}, {"stderr", "\ufffd"},
	} {
		if want.name != "" {
			e, err := nextEvent(r)
			if err != nil {
				t.Fatal(err)
			}
			if e.name != want.name || textOf(t, e) != want.text {
				t.Errorf("got %s %s, want %q", e.name, e.data, want)
			}
		}
		if i < 5 { // the last piece comes with the end: it might have become a character
			goOn <- struct{}{}
		}
	}
	e, err := nextEvent(r)
	if err != nil {
		t.Fatal(err)
	}
	var result struct{ Stdout, Stderr, Outcome string }
	if err := json.Unmarshal([]byte(e.data), &result); e.name != "result" || err != nil ||
		result.Stdout != "a\n€\x00" || result.Stderr != "warning\r\n\ufffd\ufffd" || result.Outcome != "ok" {
		t.Errorf("got %s %s %v", e.name, e.data, err)
	}
	if _, err := nextEvent(r); err != io.EOF { //nolint:errorlint // a Reader returns io.EOF itself
		t.Errorf("after the result: %v", err)
	}
	if a := srv.post(t, code("ok")); a.Status != 200 {
		t.Errorf("the next request: %d %s", a.Status, a.Body)
	}
}

// TestEventsOfSilence: a program that prints nothing has a result, and heartbeats before.
func TestEventsOfSilence(t *testing.T) {
	box, started, finish := newFakeBox()
	srv := serve(t, testConfig(t), box)
	srv.service.heartbeat = time.Millisecond
	_, r := srv.ask(t, code("block"))
	expect(t, started, "start")
	for range 3 {
		if e, err := nextEvent(r); err != nil || e.name != ":" {
			t.Fatalf("got %+v %v, want a heartbeat", e, err)
		}
	}
	close(finish)
	for {
		e, err := nextEvent(r)
		if err != nil {
			t.Fatal(err)
		}
		if e.name != ":" {
			if e.name != "result" || !strings.Contains(e.data, `"stdout":"42\n"`) {
				t.Errorf("got %+v", e)
			}
			break
		}
	}
	srv.service.heartbeat = heartbeat
	resp, r := srv.ask(t, code("ok"))
	if e, err := nextEvent(r); err != nil || e.name != "result" || resp.Header.Get("Content-Type") != eventMedia {
		t.Errorf("got %+v %v", e, err)
	}
}

// TestEventsAndProblems: what is refused before anything was sent has its own status;
// what fails later is the last event.
func TestEventsAndProblems(t *testing.T) {
	box, _, _ := newFakeBox()
	sent := make(chan struct{})
	box.fail("refused", &sandbox.PolicyError{Violations: []string{"Line 1: no"}})
	box.runs["lost"] = func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
		job.Follow(sandbox.Stdout, []byte("x"))
		<-sent
		return sandbox.Result{}, sandbox.ErrRunLost
	}
	box.runs["panics"] = func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
		panic("before anything was sent")
	}
	srv := serve(t, testConfig(t), box)
	for body, want := range map[string]int{code("refused"): 400, code(" "): 400, `{"code":1}`: 422, code("panics"): 500} {
		resp, _ := srv.ask(t, body)
		if resp.StatusCode != want || resp.Header.Get("Content-Type") != problemMedia {
			t.Errorf("%s: %d %v", body, resp.StatusCode, resp.Header)
		}
	}
	_, r := srv.ask(t, code("lost"))
	if e, err := nextEvent(r); err != nil || e.name != "stdout" {
		t.Fatalf("got %+v %v", e, err)
	}
	close(sent)
	e, err := nextEvent(r)
	var p problem
	if json.Unmarshal([]byte(e.data), &p) != nil || e.name != "problem" || err != nil || p.Type != problemType+"run-lost" {
		t.Errorf("got %+v %v", e, err)
	}
}

// TestEventsAndPanics: a connection on which something was sent is cut; nothing writes
// to it any more, and the next request is served.
func TestEventsAndPanics(t *testing.T) {
	for name, with := range map[string]any{"a bug": "bug", "net/http's own": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			box, _, _ := newFakeBox()
			sent := make(chan struct{})
			box.runs["panics"] = func(_ context.Context, job sandbox.Job) (sandbox.Result, error) {
				job.Follow(sandbox.Stdout, []byte("x"))
				<-sent
				panic(with)
			}
			srv := serve(t, testConfig(t), box)
			srv.service.heartbeat = 100 * time.Microsecond // what is not stopped writes on
			_, r := srv.ask(t, code("panics"))
			for {
				e, err := nextEvent(r)
				if err != nil {
					t.Fatal(err)
				}
				if e.name == "stdout" {
					break
				}
			}
			close(sent)
			var err error
			for err == nil {
				_, err = nextEvent(r)
			}
			if err == io.EOF { //nolint:errorlint // a Reader returns io.EOF itself
				t.Error("the answer has an end, as if it were whole")
			}
			if a := srv.post(t, code("ok")); a.Status != 200 {
				t.Errorf("the next request: %d %s", a.Status, a.Body)
			}
		})
	}
}
