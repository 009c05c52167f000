//go:build linux

package pod

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// What a program prints passes queue-proxy while it runs, not at its end.
func TestEvents(t *testing.T) {
	p := startPod(t)
	events := p.stream(t, cell.Request{Code: "print('first')\nwhile True: pass", Timeout: 8})
	if name, data := events.next(t); name != "stdout" || data != `{"text":"first\n"}` {
		t.Errorf("got %s, %s", name, data)
	}
	if n := p.inFlight(t); n != 1 {
		t.Errorf("in flight when the first event was here: %d", n)
	}
	if name, data := events.next(t); name != "result" || !strings.Contains(data, `"outcome":"timeout"`) {
		t.Errorf("got %s, %s", name, data)
	}
}

// So it does while the program sleeps, for longer than anybody here waits; and a caller who
// has seen enough, and leaves, ends it.
func TestEventsWhileAsleep(t *testing.T) {
	p := startPodOf(t, science, []string{"SANDBOX_PROFILE=standard"}, nil)
	const code = "import time\nprint('first')\ntime.sleep(50)\nprint('second')"
	events := p.stream(t, cell.Request{Code: code, Timeout: 60})
	if name, data := events.next(t); name != "stdout" || data != `{"text":"first\n"}` {
		t.Errorf("got %s, %s", name, data)
	}
	if n := p.inFlight(t); n != 1 {
		t.Errorf("in flight when the first event was here: %d", n)
	}
	events.leave()
	eventually(t, "end of the run", func() bool { return p.inFlight(t) == 0 })
	// The next caller has the slot.
	if a, err := p.client.Execute(t.Context(), cell.Request{Code: "print('next')"}); err != nil || !a.OK("next\n") {
		t.Errorf("the next one: %v, %v", a, err)
	}
}

// inFlight is how many programs run.
func (p *pod) inFlight(t *testing.T) int {
	t.Helper()
	profile, err := p.inside.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return profile.Admission.InFlight
}

// A stream is an answer that comes as events.
type stream struct {
	lines *bufio.Reader
	leave context.CancelFunc // ends the connection
}

// stream posts a program through queue-proxy and returns when the first event is on its way.
func (p *pod) stream(t *testing.T, request cell.Request) stream {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/execute", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	client := http.Client{Timeout: answerTime, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	return stream{bufio.NewReader(answer.Body), leave}
}

// next waits for an event: its name and its data.
func (s stream) next(t *testing.T) (name, data string) {
	t.Helper()
	for _, field := range []struct {
		prefix string
		into   *string
	}{{"event: ", &name}, {"data: ", &data}, {"", new(string)}} {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), field.prefix)
		if !ok {
			t.Fatalf("got %q, want %s", line, field.prefix)
		}
		*field.into = value
	}
	return name, data
}
