//go:build linux

package attack

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// Every program wins where there is no jail: what ends otherwise in a jail ends so
// because of the jail.
func TestEveryProgramCanWin(t *testing.T) {
	t.Parallel()
	requireRoot(t) // some read, trace and signal other processes
	python := requirePython(t)
	targets, err := Aim()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := targets.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(targets.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", targets.dir, err)
		}
	})
	values := targets.Values(python, 256)
	maps.Copy(values, map[string]string{"SECONDS": "0.1", "TOO_MUCH": "100000"})
	for _, p := range append(Refused(), Bounded()...) {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			code, err := Fill(Prelude+p.Text, runtime.GOARCH, values)
			if err != nil {
				t.Fatal(err)
			}
			if p.Name == "earlier_run" {
				code += code // the later run in the same process
			}
			cmd := exec.CommandContext(t.Context(), python, "-I", "-S", "-c", code)
			cmd.WaitDelay = time.Second
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if end, said := Read(string(out), 0); end != Won {
				t.Errorf("%s %s, %v\n%s", end, said, err, &stderr)
			}
		})
	}
}

// Numbers are those of the architecture; a call that it lacks is None, and a table
// passes over it.
func TestFill(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ architecture, text, want string }{
		{"amd64", "@openat@ @open@ @SERVER@", "257 2 7"},
		{"arm64", "@openat@ @open@ @SERVER@", "56 None 7"},
		{"amd64", "a@b 1 @ 2 @", "a@b 1 @ 2 @"},
	} {
		got, err := Fill(tt.text, tt.architecture, map[string]string{"SERVER": "7"})
		if err != nil || got != tt.want {
			t.Errorf("%s on %s: %q, %v; want %q", tt.text, tt.architecture, got, err, tt.want)
		}
	}
	if _, err := Fill("@SERVER@ @VICTIM@", "amd64", map[string]string{"SERVER": "7"}); err == nil || !strings.Contains(err.Error(), "VICTIM") {
		t.Errorf("a place without a value: %v", err)
	}
	if _, err := Fill("", "pdp11", nil); err == nil {
		t.Error("an architecture without a table")
	}
}

// On arm64 every program that makes calls has some that are there.
func TestCallsOfOtherArchitectures(t *testing.T) {
	t.Parallel()
	calls := regexp.MustCompile(`@([a-z0-9_]+)@`)
	for _, p := range append(Refused(), Bounded()...) {
		names, here := calls.FindAllStringSubmatch(p.Text, -1), 0
		for _, name := range names {
			if _, ok := arch.X86_64.SyscallNames[name[1]]; !ok {
				t.Errorf("%s: amd64 has no call %s", p.Name, name[1])
			}
			if _, ok := arch.AARCH64.SyscallNames[name[1]]; ok {
				here++
			}
		}
		if len(names) > 0 && here == 0 {
			t.Errorf("%s: arm64 has none of its calls", p.Name)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stdout string
		code   int
		end    End
		said   string
		held   bool
	}{
		{"WON all\n", 0, Won, "all", false},
		{"LOST\n" + Secret + "\n", 0, Won, Secret, false},
		{"LOST EPERM from a\nWON\n", 0, Won, "", false},
		{"SOME [a] but not b\n", 0, Some, "[a] but not b", false},
		{"LOST EPERM from a, b\n", 0, Lost, "EPERM from a, b", true},
		{"None\nLOST there is nothing\n", 0, Lost, "there is nothing", true},
		{"LOST EPERM from a; b: -2\n", 0, Lost, "EPERM from a; b: -2", false},
		{"ABSENT x\n", 0, Absent, "x", false},
		{"", -31, Killed, "", true},
		{"ABSENT unless it lives on\n", -31, Killed, "", true},
		{"ABSENT unless it lives on\nWON\n", 0, Won, "", false},
		{"KILLED\n", 0, Unknown, "", false},
		{"won\n", 0, Unknown, "", false},
		{"", -9, Unknown, "", false},
		{"LOSTPROPERTY\n", 0, Unknown, "", false},
		{"", 0, Unknown, "", false},
	} {
		end, said := Read(tt.stdout, tt.code)
		if end != tt.end || said != tt.said || Held(end, said) != tt.held {
			t.Errorf("%q: %s %q held %v; want %+v", tt.stdout, end, said, Held(end, said), tt)
		}
	}
}
