package main

import (
	"strings"
	"testing"
	"time"

	"codecell/sandbox"
)

// What a judge has not seen for certain is not held.
func TestJudges(t *testing.T) {
	t.Parallel()
	said := func(text string) sandbox.Result {
		return sandbox.Result{Outcome: sandbox.OutcomeOK, Stdout: sandbox.Output{Data: []byte(text)}}
	}
	flood := func(size int, truncated bool) sandbox.Result {
		r := said(strings.Repeat("x", size))
		r.Stdout.Truncated = truncated
		return r
	}
	type judge = func(sandbox.Result) (string, bool)
	for _, tt := range []struct {
		name     string
		judge    judge
		result   sandbox.Result
		happened string
		held     bool
	}{
		{"42", printed42, said("42\n"), "printed 42", true},
		{"43", printed42, said("43\n"), `ok, exit code 0: "43"`, false},
		{"42, and failed", printed42, sandbox.Result{Outcome: sandbox.OutcomeFailed, ExitCode: 1, Stdout: sandbox.Output{Data: []byte("42\n")}}, `failed, exit code 1: "42"`, false},
		{"EPERM", refused, said("LOST EPERM from open\n"), "EPERM from open", true},
		{"not EPERM", refused, said("LOST open: -2\n"), "open: -2", false},
		{"a part of it", refused, said("SOME ['open'] but not EPERM from fork\n"), "some ['open'] but not EPERM from fork", false},
		{"all of it", refused, said("WON\n"), "won", false},
		{"nothing to attack", refused, said("ABSENT ['vsock']\n"), "absent ['vsock']", false},
		{"killed by a filter", refused, sandbox.Result{Outcome: sandbox.OutcomeCrashed, ExitCode: -31}, "killed", true},
		{"killed otherwise", refused, sandbox.Result{Outcome: sandbox.OutcomeCrashed, ExitCode: -11}, `crashed, exit code -11: ""`, false},
		{
			"an exception", refused,
			sandbox.Result{Outcome: sandbox.OutcomeFailed, ExitCode: 1, Stderr: sandbox.Output{Data: []byte("Traceback\nImportError: os\n")}},
			`failed, exit code 1: "ImportError: os"`, false,
		},
		{"cut", cut, flood(sandbox.CaptureLimit, true), "51200 bytes are left", true},
		{"cut too late", cut, flood(sandbox.CaptureLimit+1, true), "51201 bytes are left", false},
		{"not cut", cut, flood(10, false), "10 bytes are left", false},
		{"ended", ended, sandbox.Result{Outcome: sandbox.OutcomeTimeout, TimedOut: true, Usage: sandbox.Usage{Wall: 501 * time.Millisecond}}, "ended after 501ms", true},
		{"not ended", ended, said("WON\n"), `ok, exit code 0: "WON"`, false},
	} {
		if happened, held := tt.judge(tt.result); happened != tt.happened || held != tt.held {
			t.Errorf("%s: %q, held %v; want %q, %v", tt.name, happened, held, tt.happened, tt.held)
		}
	}
}

func TestNotHeld(t *testing.T) {
	t.Parallel()
	trials := []trial{{Attack: "a", Held: true}, {Attack: "b"}, {Attack: "c"}}
	if got := strings.Join(notHeld(trials), " "); got != "b c" {
		t.Errorf("got %q", got)
	}
	if got := notHeld(trials[:1]); got != nil {
		t.Errorf("got %q", got)
	}
}
