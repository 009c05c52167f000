package sandbox

import (
	"slices"
	"testing"
)

// namingSandbox has runs with files, whose denied calls are named.
func namingSandbox(t *testing.T) *Sandbox {
	t.Helper()
	requireWorkspaces(t)
	return start(t, func(p *Profile, _ *Config) {
		loaded, err := LoadProfile("standard")
		check(t, err)
		*p = *loaded
		p.Limits.Memory, p.Workspace = 256, 4
	})
}

func TestDeniedCallsAreNamed(t *testing.T) {
	t.Parallel()
	s := namingSandbox(t)
	for code, want := range map[string][]string{
		"import socket\nsocket.socket()":              {"socket"},
		"import os\nos.fork()":                        {"clone"},
		"import subprocess\nsubprocess.run(['true'])": {"vfork"},
		"import os\nos.system('true')":                {"clone"},
		"import os, threading\nt = threading.Thread(target=lambda: os.setsid())\nt.start()\nt.join()": {"setsid"},
		"print(1)": nil,
	} {
		res := runWith(t, s, Job{Code: code})
		if !slices.Equal(res.Denied, want) {
			t.Errorf("%q: %q, want %q\n%s", code, res.Denied, want, res.Stderr.Data)
		}
	}
}
