//go:build linux

package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"codecell/sandbox/internal/launch"
)

// nobodys is a uid that no password file has.
const nobodys = 41234

// Each server is a process of its own, as one user, on a machine that hides some
// of what this one has. It must start and run programs, refuse what it refuses
// everywhere, and report the layers that are really there.
func TestServersOfEveryKind(t *testing.T) {
	t.Parallel()
	self := publicSelf(t)
	root, user := os.Geteuid() == 0, uint32(os.Geteuid())
	if root {
		user = nobodys
	}
	abi, err := launch.LandlockABI()
	if err != nil {
		abi = 0
	}
	for _, c := range []struct {
		name string
		uid  uint32
		hide string // what the machine does not have; see hide
	}{
		{"root", 0, ""},
		{"root, no user namespaces", 0, "userns"},
		{"root, no Landlock", 0, "landlock"},
		{"root of a container", 0, "userns,sysadmin"},
		{"a user", user, ""},
		{"a user, no_new_privs", user, "privileges"},
		{"a user, no user namespaces", user, "privileges,userns"},
		{"a user, no Landlock", user, "privileges,landlock"},
		{"a user, neither", user, "privileges,userns,landlock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var attr *syscall.SysProcAttr
			if c.uid == 0 {
				requireRoot(t)
			} else if root {
				attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.uid, Gid: c.uid}}
			}
			task := "serve"
			if c.hide != "" {
				task = "hide " + c.hide
			}
			server := startChild(t, self, task, attr)
			var said served
			server.hear(t, &said)
			if want := fmt.Sprint("42\n", "1 1 1\n"); said.Inside != want {
				t.Errorf("inside the jail: %q, want %q", said.Inside, want)
			}
			if root { // who else may look at what is not dumpable
				wantJail(t, server.cmd.Process.Pid, said.Zygote, said.Layers)
			}
			hidden := func(what string) bool { return strings.Contains(c.hide, what) }
			for _, l := range said.Layers {
				active := l.State == LayerActive
				switch {
				case l.Name == "uid" && active != (c.uid == 0),
					l.Name == "landlock" && active != (abi > 0 && !hidden("landlock")),
					l.Name == "landlock_scope" && active != (abi >= launch.LandlockScopeABI && !hidden("landlock")),
					l.Name == "namespace_user" && active && hidden("userns"),
					strings.HasPrefix(l.Name, "namespace_") && active && hidden("userns") && (c.uid != 0 || hidden("sysadmin")):
					t.Errorf("%s is %s: %s", l.Name, l.State, l.Detail)
				}
			}
			server.finish(t)
		})
	}
}

// A root server that could start a run, but not end it, or not make another user of
// it, does not start.
func TestRootWithoutCapabilitiesRefuses(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	for _, c := range []struct{ without, names string }{{"kill", "CAP_KILL"}, {"setuid", "CAP_SETUID"}} {
		server := startChild(t, publicSelf(t), "refuse without "+c.without, nil)
		var said string
		server.hear(t, &said)
		if !strings.Contains(said, c.names) {
			t.Errorf("the reason is %q, want it to name %s", said, c.names)
		}
		server.finish(t)
	}
}

// refuse says why a server does not start; nothing is left of it.
func refuse(t *testing.T) {
	profile, err := LoadProfile("minimal")
	check(t, err)
	s, err := New(t.Context(), Config{Profile: profile})
	if err == nil {
		check(t, s.Close())
		t.Fatal("it starts")
	}
	if left := childrenOf(t, os.Getpid()); left != nil {
		t.Errorf("left: %v", left)
	}
	say(t, err.Error())
}

// served is what a server says of itself.
type served struct {
	Zygote int
	Layers []Layer
	Inside string // what two programs printed
}

func init() {
	childTasks["serve"] = serve
	childTasks["refuse"] = refuse
	childTasks["refuse without kill"] = func(t *testing.T) { hide(t, "userns,sysadmin,kill", "refuse") }
	childTasks["refuse without setuid"] = func(t *testing.T) { hide(t, "setuid", "refuse") }
	for _, what := range []string{"userns", "landlock", "userns,sysadmin", "privileges", "privileges,userns", "privileges,landlock", "privileges,userns,landlock"} {
		childTasks["hide "+what] = func(t *testing.T) { hide(t, what, "serve") }
	}
}

func serve(t *testing.T) {
	s := start(t, small)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	code := fmt.Sprintf(`
import os, _socket
def errno(act):
    try:
        act()
    except OSError as exc:
        return exc.errno
    return 0
def connect():
    _socket.socket().connect(("127.0.0.1", %d))
def fork():
    if os.fork() == 0:
        os._exit(0)
print(errno(lambda: open("/etc/passwd")), errno(connect), errno(fork))
`, listener.Addr().(*net.TCPAddr).Port)
	if out, err := exec.CommandContext(t.Context(), s.Interpreter().Path, "-I", "-S", "-c", code).CombinedOutput(); string(out) != "0 0 0\n" {
		t.Fatalf("positive control: outside the jail: %q, %v", out, err)
	}
	said := served{Zygote: current(s).pid, Layers: s.Layers()}
	for _, program := range []string{"print(42)", code} {
		res := mustRun(t, s, program)
		said.Inside += string(res.Stdout.Data) + string(res.Stderr.Data)
	}
	refuseWhatIsAbsent(t, s)
	say(t, said)
}

// refuseWhatIsAbsent requires a layer that this machine does not have.
func refuseWhatIsAbsent(t *testing.T, s *Sandbox) {
	absent := slices.IndexFunc(s.Layers(), func(l Layer) bool { return l.State != LayerActive })
	if absent < 0 {
		return
	}
	layer := s.Layers()[absent]
	cfg := Config{Profile: s.Profile(), Require: []string{layer.Name}}
	before := childrenOf(t, os.Getpid())
	_, err := New(t.Context(), cfg)
	var refused *RequireError
	if !errors.As(err, &refused) || !slices.Equal(refused.Missing, []Layer{layer}) {
		t.Errorf("%s is required: %v, want a *RequireError", layer.Name, err)
	}
	if after := childrenOf(t, os.Getpid()); !slices.Equal(after, before) {
		t.Errorf("children before %v, after %v", before, after)
	}
}
