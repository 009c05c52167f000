package main

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"codecell/sandbox"
)

var aPortrait = portrait{
	profile: &sandbox.Profile{Name: "minimal"},
	interpreter: sandbox.Interpreter{
		Path: "/usr/bin/python3.11", Version: "3.11.2",
		Passed: []sandbox.PassedOver{{Path: "/root/shims/python3", Why: "can't enter /root"}},
	},
	layers: []sandbox.Layer{
		{Name: "seccomp", State: sandbox.LayerActive},
		{Name: "landlock", State: sandbox.LayerAbsent},
		{Name: "uid", State: sandbox.LayerActive},
		{Name: "rlimits", State: sandbox.LayerFailed},
	},
	budget: sandbox.Budget{
		Limit: 704, LimitSource: "cgroup v2 /x", Reserve: 150, Scratch: 4, Weight: 515, Slots: 1, Fits: 1,
		Parts: []sandbox.BudgetPart{{Name: "server", MiB: 86}, {Name: "memory line", MiB: 64}},
	},
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	for _, tokens := range []bool{false, true} {
		var out strings.Builder
		if err := greet(&out, "http://127.0.0.1:8080", tokens, aPortrait); err != nil {
			t.Fatal(err)
		}
		curl := `curl -s http://127.0.0.1:8080/execute -H 'Content-Type: application/json' -d '{"code": "print(6 * 7)"}'`
		if tokens {
			curl = strings.Replace(curl, "/execute", "/execute -H 'Authorization: Bearer TOKEN'", 1)
		}
		for _, want := range []string{
			"profile minimal on http://127.0.0.1:8080\n",
			"/usr/bin/python3.11 (Python 3.11.2)\n",
			"/root/shims/python3: can't enter /root\n",
			"seccomp uid; absent: landlock; failed: rlimits\n",
			"704 MiB (cgroup v2 /x) - 150 reserve - 4 scratch = 550 for runs of 515: 1 fit, 1 run at once\n",
			"\n" + curl + "\n",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("tokens %v: no %q in\n%s", tokens, want, &out)
			}
		}
	}
}

func TestDiagnosisText(t *testing.T) {
	t.Parallel()
	fit := diagnosis{
		Fit: true, Profile: "minimal", Interpreter: interpreterOf(aPortrait.interpreter),
		Isolation: aPortrait.layers, Budget: budgetOf(aPortrait.budget),
		Attacks: []trial{{"fork", "fails", strings.Repeat("EPERM ", 30), true}},
	}
	unsafe := fit
	unsafe.Attacks = []trial{{"exec", "fails", "won", false}, {"fork", "fails", "EPERM", true}}
	refused := diagnosis{Refusal: "no python3", Profile: "minimal"}
	for name, tt := range map[string]struct {
		d    diagnosis
		want []string
	}{
		"fit":     {fit, []string{"fit: ", "passed over", "landlock", "absent", "- server", "- memory line", "for runs", "fork    ok  fails  EPERM EPERM", "EPERM…\n"}},
		"unsafe":  {unsafe, []string{"unsafe: not held here, see below: exec\ncodecell serve starts", "exec    NOT HELD  fails  won\n"}},
		"refused": {refused, []string{"refused: no python3\n"}},
	} {
		var out strings.Builder
		if err := tt.d.text(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, &out)
			}
		}
	}

	// What could not be found out is not in the JSON either.
	var out strings.Builder
	if err := refused.json(&out); err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(out.String()), &members); err != nil {
		t.Fatal(err)
	}
	if len(members) != 3 || members["fit"] != false || members["refusal"] != "no python3" || members["profile"] != "minimal" {
		t.Errorf("got %s", &out)
	}
}

func TestClientURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"[::]:8080":      "http://localhost:8080",
		"0.0.0.0:80":     "http://localhost:80",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := clientURL(tcp); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestFarewell(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		code int
		last string
	}{
		{nil, 0, ""},
		{errors.New("no room"), 1, "codecell: no room\n"},
		{exitError{code: 7}, 7, ""},
		{errors.Join(exitError{124, "late\n"}, nil), 124, "late\n"},
	} {
		if code, last := farewell(tt.err); code != tt.code || last != tt.last {
			t.Errorf("%v: exit code %d and %q, want %d and %q", tt.err, code, last, tt.code, tt.last)
		}
	}
}

func TestPrintVersion(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	var out strings.Builder
	if err := printVersion(&out, info); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "codecell v1.2.3 0123456789ab+modified go1.26.8 ") || !strings.HasSuffix(got, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestTerminal(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if atTerminal(null) {
		t.Error("/dev/null is taken for a terminal")
	}
}
