//go:build linux

package pod

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// What a program prints passes queue-proxy while it runs, not at its end.
func TestEvents(t *testing.T) {
	p := startPod(t)
	body, err := json.Marshal(cell.Request{Code: "print('first')\nwhile True: pass", Timeout: 3})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/execute", strings.NewReader(string(body)))
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
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %s", answer.StatusCode, kind)
	}
	lines := bufio.NewReader(answer.Body)
	line := func() string {
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(text, "\n")
	}
	if name, data := line(), line(); name != "event: stdout" || data != `data: {"text":"first\n"}` {
		t.Errorf("got %s, %s", name, data)
	}
	profile, err := p.inside.Profile(t.Context())
	if err != nil || profile.Admission.InFlight != 1 {
		t.Errorf("in flight when the first event was here: %d, %v", profile.Admission.InFlight, err)
	}
	_ = line() // blank
	if name, data := line(), line(); name != "event: result" || !strings.Contains(data, `"outcome":"timeout"`) {
		t.Errorf("got %s, %s", name, data)
	}
}
