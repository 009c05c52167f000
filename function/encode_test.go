package function

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"codecell/sandbox"
)

func TestEncodeStreams(t *testing.T) {
	const note = "\n[output truncated at 50 KB]"
	for _, c := range []struct {
		name string
		out  sandbox.Output
		want string
	}{
		{"text", sandbox.Output{Data: []byte("héllo\n")}, "héllo\n"},
		{"empty", sandbox.Output{}, ""},
		{"control", sandbox.Output{Data: []byte("\x00\x1b\"\\\u2028<")}, "\x00\x1b\"\\\u2028<"},
		{"not UTF-8", sandbox.Output{Data: []byte("a\xff\xc3(\xed\xa0\x80")}, "a\ufffd\ufffd(\ufffd\ufffd\ufffd"},
		{"partial at the end", sandbox.Output{Data: []byte("a\xe2\x82")}, "a\ufffd\ufffd"},
		{"cut", sandbox.Output{Data: []byte("abc"), Truncated: true}, "abc" + note},
		{"cut after a character", sandbox.Output{Data: []byte("€"), Truncated: true}, "€" + note},
		{"cut in 2", sandbox.Output{Data: []byte("a\xc3"), Truncated: true}, "a" + note},
		{"cut in 3", sandbox.Output{Data: []byte("a\xe2\x82"), Truncated: true}, "a" + note},
		{"cut in 4", sandbox.Output{Data: []byte("a\xf0\x9f\x98"), Truncated: true}, "a" + note},
		{"cut in nothing", sandbox.Output{Data: []byte("\xf0"), Truncated: true}, note},
		{"bad before the cut", sandbox.Output{Data: []byte("a\x80\x80"), Truncated: true}, "a\ufffd\ufffd" + note},
		{"bad at the cut", sandbox.Output{Data: []byte("a\xff"), Truncated: true}, "a\ufffd" + note},
	} {
		before := bytes.Clone(c.out.Data)
		rep := encodeResult(sandbox.Result{Stdout: c.out, Stderr: c.out, Outcome: sandbox.OutcomeOK}, time.Second, 0)
		var got struct{ Stdout, Stderr string }
		if err := json.Unmarshal(rep.body, &got); err != nil {
			t.Fatalf("%s: %v in %s", c.name, err, rep.body)
		}
		if got.Stdout != c.want || got.Stderr != c.want {
			t.Errorf("%s: got %q %q, want %q", c.name, got.Stdout, got.Stderr, c.want)
		}
		if !bytes.Equal(before, c.out.Data) {
			t.Errorf("%s: the capture was changed to %q", c.name, c.out.Data)
		}
	}
}

func TestEncodeDenied(t *testing.T) {
	for want, denied := range map[string][]string{
		`,"denied":["socket","call 777"],"usage"`: {"socket", "call 777"},
		`,"denied":["clone"],"usage"`:             {"clone"},
		`"stderr":false},"usage"`:                 nil,
	} {
		rep := encodeResult(sandbox.Result{Denied: denied, Outcome: sandbox.OutcomeOK}, time.Second, 0)
		if !json.Valid(rep.body) || !bytes.Contains(rep.body, []byte(want)) {
			t.Errorf("%q: %s", denied, rep.body)
		}
	}
}

func TestEncodeTimeout(t *testing.T) {
	for _, c := range []struct {
		stderr  string
		cut     bool
		timeout time.Duration
		want    string
	}{
		{"", false, 10 * time.Second, "Execution timed out after 10.0s"},
		{"warning\n", false, 500 * time.Millisecond, "warning\nExecution timed out after 0.5s"},
		{"warning", false, 250 * time.Millisecond, "warning\nExecution timed out after 0.25s"},
		{"xx", true, 30 * time.Second, "xx\n[output truncated at 50 KB]\nExecution timed out after 30.0s"},
	} {
		spare := append([]byte(c.stderr), "spare"...)
		rep := encodeResult(sandbox.Result{
			Stderr:   sandbox.Output{Data: spare[:len(c.stderr)], Truncated: c.cut},
			TimedOut: true, ExitCode: -9, Outcome: sandbox.OutcomeTimeout,
		}, c.timeout, 0)
		var got struct{ Stderr string }
		if err := json.Unmarshal(rep.body, &got); err != nil || got.Stderr != c.want {
			t.Errorf("got %q %v, want %q", got.Stderr, err, c.want)
		}
		if string(spare[len(c.stderr):]) != "spare" {
			t.Error("the note was written into the capture's buffer")
		}
	}
}

func TestEncodeExact(t *testing.T) {
	rep := encodeResult(sandbox.Result{
		Stdout:   sandbox.Output{Data: []byte("42\n")},
		Stderr:   sandbox.Output{Data: []byte("e"), Truncated: true},
		ExitCode: 3, Outcome: sandbox.OutcomeFailed,
		Usage: sandbox.Usage{Wall: 1500 * time.Microsecond, CPU: 2 * time.Millisecond, MaxRSS: 9000},
	}, time.Second, 1234*time.Nanosecond)
	const want = `{"stdout":"42\n","stderr":"e\n[output truncated at 50 KB]","exit_code":3,"timed_out":false,` +
		`"outcome":"failed","truncated":{"stdout":false,"stderr":true},` +
		`"usage":{"wall_ms":1.5,"cpu_ms":2,"max_rss_kib":9000,"wait_ms":0.001}}`
	if string(rep.body) != want {
		t.Errorf("got  %s\nwant %s", rep.body, want)
	}
}

// TestPolicyProblemIsBounded: many violations never make a reply larger than what
// intake has set aside for one.
func TestPolicyProblemIsBounded(t *testing.T) {
	violations := make([]string, 0, 50_000)
	for range cap(violations) {
		violations = append(violations, strings.Repeat("\x01", 50))
	}
	p := problemOf(&sandbox.PolicyError{Violations: violations})
	if body := p.reply("X").body; len(body) > intakeBytes {
		t.Errorf("%d bytes", len(body))
	}
	if !strings.Contains(p.Detail, "of 50000") {
		t.Errorf("the reader is not told that there are more: %s", p.Detail)
	}
}
