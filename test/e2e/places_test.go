//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// A place is how somebody may start the server, knowingly or not.
type place struct {
	name string
	// wrap stands before the server; it ends in an exec.
	wrap []string
	env  []string
	// said is a part of the sentence in which the server refuses to start; empty: it works.
	said string
	// root: it takes root to make the place.
	root bool
}

// sh makes a place with a shell, which then becomes the server.
func sh(setup string) []string { return []string{"sh", "-c", setup + ` && exec "$0" "$@"`} }

// mounts makes one in a mount namespace.
func mounts(setup string) []string {
	return append([]string{"unshare", "--mount", "--propagation", "private"}, sh(setup)...)
}

// pythonPlace makes one with what a shell can't do.
func pythonPlace(setup string) []string {
	return []string{"python3", "-I", "-c", "import os, signal, sys\n" + setup + "\nos.execvp(sys.argv[1], sys.argv[1:])"}
}

func as(user ...string) []string { return append([]string{"setpriv"}, user...) }

const freshProc = "umount --lazy /proc && mount -t proc -o "

var places = []place{
	// Descriptors, signals, limits: what a process inherits.
	{name: "no stdin, stdout, stderr", wrap: []string{"sh", "-c", `exec "$0" "$@" <&- >&- 2>&-`}},
	{name: "streams to a full disk", wrap: []string{"sh", "-c", `exec "$0" "$@" >/dev/full 2>&1`}},
	{name: "a log that nobody reads", wrap: pythonPlace("r, w = os.pipe()\nos.close(r)\nos.dup2(w, 1)\nos.dup2(w, 2)")},
	{name: "every signal ignored", wrap: pythonPlace("for s in signal.valid_signals() - {9, 19}: signal.signal(s, signal.SIG_IGN)")},
	{name: "SIGCHLD and SIGPIPE ignored", wrap: sh(`trap "" CHLD PIPE`)},
	{name: "every signal blocked", wrap: pythonPlace("signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())")},
	{name: "umask 0777", wrap: sh("umask 0777")},
	{name: "a folder that is gone", wrap: sh(`cd "$(mktemp -d)" && rmdir "$PWD"`)},
	{name: "a folder that it may not read", wrap: append(sh(`cd "$(mktemp -d)" && chmod 0 . && rmdir "$PWD"`), as("--reuid", "1234", "--regid", "1234", "--clear-groups")...), root: true},
	{name: "285 descriptors", wrap: sh("ulimit -n 285")},
	{name: "64 descriptors", wrap: sh("ulimit -n 64"), said: "RLIMIT_NOFILE (ulimit -n) is 64, want at least 275"},
	{name: "16 descriptors", wrap: sh("ulimit -n 16"), said: "RLIMIT_NOFILE (ulimit -n) is 16, want at least 275"},
	{name: "20 processes", wrap: []string{"prlimit", "--nproc=20"}, said: "RLIMIT_NPROC (ulimit -u) is 20, want at least"},
	{name: "a minute of processor time", wrap: sh("ulimit -t 60"), said: "RLIMIT_CPU (ulimit -t) is 60, want unlimited"},
	{name: "files of 512 bytes", wrap: sh("ulimit -f 1"), said: "RLIMIT_FSIZE (ulimit -f), in bytes, is 512, want at least"},
	{name: "a stack of 128 KiB", wrap: sh("ulimit -s 128")},
	{name: "no queued signals", wrap: []string{"prlimit", "--sigpending=0"}},

	// Environment.
	{name: "no PATH, no HOME", wrap: []string{"env", "-u", "PATH", "-u", "HOME"}},
	{name: "PYTHON's variables", env: []string{
		"PYTHONHOME=/nonexistent", "PYTHONPATH=/nonexistent", "PYTHONSTARTUP=/etc/passwd", "PYTHONOPTIMIZE=2", "PYTHONIOENCODING=latin-1",
		"PYTHONUTF8=0", "PYTHONMALLOC=debug", "PYTHONINSPECT=1", "PYTHONHASHSEED=0", "PYTHONWARNINGS=error", "PYTHONTRACEMALLOC=9",
	}},
	{name: "the loader's variables", env: []string{"LD_LIBRARY_PATH=/nonexistent", "LD_BIND_NOW=1", "MALLOC_ARENA_MAX=64", "GLIBC_TUNABLES=glibc.malloc.check=3"}},
	{name: "an odd LANG and TZ", env: []string{"LANG=xx_YY.KOI8", "LC_ALL=tlh", "LANGUAGE=:", "TZ=:/etc/passwd"}},
	{name: "no time zone", env: []string{"TZ="}},
	{name: "as on Cloud Run", env: []string{"K_SERVICE=codecell", "K_REVISION=codecell-00001-abc", "K_CONFIGURATION=codecell", "CLOUD_RUN_TIMEOUT_SECONDS=60"}},

	// Whom it runs as, beside those of TestUsers.
	{name: "uid 1000680000, gid 0", wrap: as("--reuid", "1000680000", "--regid", "0", "--clear-groups"), root: true},
	{name: "uid 1000680000, group 0 beside its own", wrap: as("--reuid", "1000680000", "--regid", "1000680000", "--groups", "0,1000680000"), root: true},
	{name: "the uid that root gives to runs", wrap: as("--reuid", "65533", "--regid", "65533", "--clear-groups"), root: true},
	{name: "uid 4294967294", wrap: as("--reuid", "4294967294", "--regid", "4294967294", "--clear-groups"), root: true},
	{name: "root without a capability", wrap: as("--bounding-set=-all", "--inh-caps=-all"), root: true, said: "started as root, but without CAP_SETUID and CAP_SETGID"},
	{name: "root with those two", wrap: as("--bounding-set=-all,+setuid,+setgid", "--inh-caps=-all"), root: true, said: "give it CAP_KILL, or start it as an ordinary user"},

	// Files.
	{name: "no /proc", wrap: mounts("umount --lazy /proc"), root: true, said: "/proc is not mounted"},
	{name: "/proc of another PID namespace", wrap: append([]string{"unshare", "--pid", "--fork", "--kill-child"}, sh(":")...), root: true, said: "/proc is another PID namespace's"},
	{name: "/proc read-only", wrap: mounts(freshProc + "ro proc /proc"), root: true, said: "/proc is mounted read-only"},
	{name: "/proc with subset=pid", wrap: mounts(freshProc + "subset=pid proc /proc"), root: true, said: "/proc has no meminfo"},
	{name: "/proc with hidepid=2", wrap: mounts(freshProc + "hidepid=2 proc /proc"), root: true},
	{name: "/proc with hidepid=4, uid 1234", wrap: append(mounts(freshProc+"hidepid=4 proc /proc"), as("--reuid", "1234", "--regid", "1234", "--clear-groups")...), root: true},
	{name: "no /sys", wrap: mounts("umount --lazy /sys"), root: true},
	{name: "an empty /dev", wrap: mounts("mount -t tmpfs none /dev"), root: true, said: "/dev/null: no such file"},
	{name: "/dev/null alone", wrap: mounts("mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3"), root: true},
	{name: "/dev/null is a file", wrap: mounts("mount -t tmpfs none /dev && : > /dev/null && chmod 666 /dev/null"), root: true, said: "it is not the null device"},
	{name: "nothing to write to", wrap: []string{"HIDE", "writing", "--"}, root: true},
}

// TestPlaces: in each place the server works, with the layers that it says it has, or
// it refuses to start with one line that says why.
func TestPlaces(t *testing.T) {
	requireCommand(t, "python3") // which makes some of the places
	observed := profile(t, "observe", "policy", "ast_scan", "mode")
	table := cell.NewTable("place", "42", "attacks denied", "layers, or why not")
	for _, p := range places {
		t.Run(p.name, func(t *testing.T) {
			if p.root {
				requireRoot(t)
				requireCommand(t, "setpriv")
				requireCommand(t, "unshare")
			}
			wrap := slices.Clone(p.wrap)
			if len(wrap) > 0 && wrap[0] == "HIDE" {
				wrap[0] = hide
			}
			opts := cell.Options{Binary: codecell, Wrap: wrap, Env: append([]string{"SANDBOX_PROFILE=" + observed}, p.env...)}
			if p.said != "" {
				table.Row(p.name, "", "", wantRefusal(t, opts, p.said))
				return
			}
			answer, denied, found := wantWorks(t, opts)
			table.Row(p.name, answer, denied, found)
		})
	}
	table.Print(t.Output())
}

// TestNoTmp: a root file system without /tmp, and without a folder to write to.
func TestNoTmp(t *testing.T) {
	requireRoot(t)
	// What is hidden behind the other root's files is shared beneath /tmp, and has to
	// be moved before that can go.
	const setup = `cp "$0" /codecell && umount --recursive /tmp && rmdir /tmp && mount -o remount,bind,ro / && test ! -e /tmp && ! touch /file 2>/dev/null && exec /codecell serve`
	machine := python{root: trixie}
	wrap := append(machine.wrap(t, nil, filepath.Dir(codecell)), "sh", "-c", setup)
	wantWorks(t, cell.Options{Binary: codecell, Wrap: wrap})
}

// wantWorks starts a server and fails the test unless it runs programs, kills one at
// its deadline, holds attacks, has the layers that it says it has, and ends in good
// order. It returns cells for a table.
// The attacks are tried where an environment is given, whose profile lets them be.
func wantWorks(t *testing.T, opts cell.Options) (answer, denied, found string) {
	t.Helper()
	s := start(t, opts)
	c := client(t, s)
	// Twice: the second is another zygote's child than the one tried at start-up.
	var a cell.Answer
	for range 2 {
		if a = execute(t, c, cell.Request{Code: "print('é', 42)"}); !a.OK("é 42\n") {
			t.Errorf("print: %s", a)
		}
	}
	if late := execute(t, c, cell.Request{Code: "while True: pass", Timeout: 0.2}); late.Outcome != "timeout" {
		t.Errorf("an endless program: %s", late)
	}
	// The interpreter's environment and options are the server's to choose, not its parent's.
	said, err := c.Profile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	denied = "not tried"
	if len(opts.Env) > 0 { // the policy stands aside
		const own = "import os, sys, time\nassert time.time() > 1.7e9\nprint(*sorted(os.environ), sys.flags.optimize, sys.flags.isolated)"
		if env := execute(t, c, cell.Request{Code: own}); !strings.HasPrefix(env.Stdout, "LC_ALL MALLOC_ARENA_MAX TZ 0 1") {
			t.Errorf("environment: %s", env)
		}
		held := 0
		for _, attack := range attacks {
			if err := attack.try(t, c); err != nil {
				t.Errorf("%s: %v", attack.name, err)
			} else {
				held++
			}
		}
		denied = fmt.Sprintf("%d of %d", held, len(attacks))
	}
	if os.Geteuid() == 0 {
		checkLayers(t, s, nil, said.Isolation)
	}
	return strings.TrimSpace(a.Stdout), denied, layers(said)
}

// wantRefusal fails the test unless the server ends by itself, with exit code 1 and
// one line that has the sentence. It returns the line.
func wantRefusal(t *testing.T, opts cell.Options, sentence string) string {
	t.Helper()
	s, err := cell.Start(t.Context(), opts)
	if err == nil {
		stop(t, s)
		t.Fatalf("it started; want a refusal with %q", sentence)
	}
	line := lastLine(err.Error())
	_, log, _ := strings.Cut(err.Error(), "its log:\n")
	if !strings.Contains(err.Error(), "exit status 1;") || !strings.Contains(line, sentence) || strings.Count(log, "\n") != 1 {
		t.Errorf("%v\nwant exit status 1 and one line with %q", err, sentence)
	}
	return strings.TrimPrefix(line, "codecell: does not start: ")
}
