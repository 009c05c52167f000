package sandbox

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// naming has runs with files, whose denied calls are named.
func naming(t *testing.T) *Sandbox {
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
	s := naming(t)
	for _, c := range []struct {
		name, code string
		want       []string
	}{
		{"a quiet program", "print(1)", nil},
		{"a socket", "import socket\nsocket.socket()", []string{"socket"}},
		{"a fork", "import os\nos.fork()", []string{"clone"}},
		{"another program", "import subprocess\nsubprocess.run(['true'])", []string{"vfork"}},
		{"a shell", "import os\nos.system('true')", []string{"clone"}},
		{"several, in order", `
import os, signal
for _ in range(3):
    for call in (os.setsid, lambda: os.mkfifo("pipe"), lambda: signal.setitimer(signal.ITIMER_REAL, 1)):
        try: call()
        except OSError as exc: assert exc.errno == 1, exc
`, []string{"setsid", "mknodat", "setitimer"}},
		{"of a thread", `
import os, threading
def work():
    try: os.setsid()
    except PermissionError: pass
t = threading.Thread(target=work)
t.start()
t.join()
`, []string{"setsid"}},
		{"a number that is no call's", rawCall + "call(777)", []string{"call 777"}},
		{"noise", `
import concurrent.futures, tarfile, shutil, sqlite3, tempfile, zipfile
with concurrent.futures.ThreadPoolExecutor(4) as pool: list(pool.map(bytes, range(100)))
open("a", "w").write("b" * 100_000)
with tarfile.open("a.tar", "w") as t: t.add("a")
with tarfile.open("a.tar") as t: t.extractall("out")
shutil.copy2("a", "b")
shutil.get_terminal_size()
sqlite3.connect("db").execute("create table t(x)")
with tempfile.TemporaryDirectory() as d: pass
`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if res := runWith(t, s, Job{Code: c.code}); !slices.Equal(res.Denied, c.want) {
				t.Errorf("%q, want %q\n%s", res.Denied, c.want, res.Stderr.Data)
			}
		})
	}
}

// rawCall begins a program with call(number), which makes a system call without arguments.
const rawCall = `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number):
    assert libc.syscall(number, 0, 0, 0, 0, 0, 0) == -1
    return ctypes.get_errno()
`

// A program names so many and no more, and the server is not kept busy by it.
func TestDeniedCallsAreBounded(t *testing.T) {
	t.Parallel()
	s := naming(t)
	const calls = 3 * promptDenials
	res := runWith(t, s, Job{Code: rawCall + fmt.Sprintf("for n in range(%d): assert call(600 + n) == 1", calls)})
	if res.Outcome != OutcomeOK || len(res.Denied) != MaxDenied || res.Denied[0] != "call 600" {
		t.Errorf("%s, %q\n%s", res.Outcome, res.Denied, res.Stderr.Data)
	}
	if least := (1 + 2) * promptDenials * denialPause; res.Usage.Wall < least {
		t.Errorf("%d denied calls in %v, want %v at least", calls, res.Usage.Wall, least)
	}
	// It is killed while it waits for an answer, and the next one is not.
	res, err := s.Run(t.Context(), Job{Code: rawCall + "while True: call(600)", Limits: Limits{Timeout: longest / 6}})
	check(t, err)
	if !res.TimedOut || !slices.Equal(res.Denied, []string{"call 600"}) {
		t.Errorf("%+v", res)
	}
	if res := runWith(t, s, Job{Code: "print(1)"}); res.Denied != nil {
		t.Errorf("a quiet program after it: %q", res.Denied)
	}
}

// A signal does not end the wait for an answer, or a program would have as many as it can
// send signals, and the server one to give later for each.
func TestDeniedCallsAreNotInterrupted(t *testing.T) {
	t.Parallel()
	s := naming(t)
	r, w := newLines()
	ended := make(chan Result, 1)
	go func() {
		res, err := s.Run(t.Context(), Job{Limits: Limits{Timeout: longest}, Stdin: r, Stdout: w, Code: `
import ctypes, signal, threading, time
libc = ctypes.CDLL(None)
class Action(ctypes.Structure):
    _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_ulong * 16), ("flags", ctypes.c_int), ("restorer", ctypes.c_void_p)]
nothing = ctypes.cast(libc.getpid, ctypes.c_void_p).value
assert libc.sigaction(signal.SIGUSR1, ctypes.byref(Action(nothing)), None) == 0  # no SA_RESTART
print("ready", flush=True)
input()
end = time.monotonic() + 2
def work():
    while time.monotonic() < end: libc.syscall(600)
threads = [threading.Thread(target=work) for i in range(20)]
for t in threads: t.start()
while time.monotonic() < end:
    for t in threads:
        if t.is_alive(): signal.pthread_kill(t.ident, signal.SIGUSR1)
for t in threads: t.join()
`})
		if err != nil {
			t.Error(err)
		}
		ended <- res
	}()
	w.line(t)
	z := current(s)
	z.mu.Lock()
	runs := slices.Collect(maps.Values(z.runs)) // it, and the one that is parked
	z.mu.Unlock()
	w.reply(t, "go on")
	res := <-ended
	answered := 0
	for _, r := range runs {
		r.mu.Lock()
		answered += r.denied.answered
		r.mu.Unlock()
	}
	// The pause grows by denialPause with each promptDenials: that many have come after so long.
	paced := promptDenials * (1 + math.Sqrt(2*float64(res.Usage.Wall)/float64(promptDenials*denialPause)))
	if most := int(1.5 * paced); res.Outcome != OutcomeOK || answered < promptDenials || answered > most {
		t.Errorf("%s, %d answers in %v, want %d at most\n%s", res.Outcome, answered, res.Usage.Wall, most, res.Stderr.Data)
	}
}

// Without a listener the kernel denies by itself.
func TestDeniedWithoutListener(t *testing.T) {
	t.Parallel()
	s := naming(t)
	r, w := io.Pipe()
	go func() {
		current(s).denied.close()
		_, _ = w.Write([]byte("go on\n"))
		_ = w.Close()
	}()
	res := runWith(t, s, Job{Stdin: r, Code: rawCall + `
import os, socket
input()
for denied in (socket.socket, os.fork, os.setsid):
    try: print(denied())
    except OSError as exc: print(exc.errno)
print(call(777))
`})
	// ENOSYS; os.fork goes by the number, which then is outer's to answer as well.
	if got := string(res.Stdout.Data); got != strings.Repeat("38\n", 4) || res.Denied != nil {
		t.Errorf("%q, %q\n%s", got, res.Denied, res.Stderr.Data)
	}
}

// The server has the listener, and the zygote has not, from which runs have all that they
// have.
func TestListenerIsTheServersAlone(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	z := current(naming(t))
	const listens = "anon_inode:seccomp notify"
	check(t, z.denied.conn.Control(func(fd uintptr) {
		if name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); name != listens {
			t.Errorf("the server's is %q, %v", name, err)
		}
	}))
	for _, fd := range openIn(t, z.pid) {
		if strings.Contains(fd, "seccomp") {
			t.Errorf("the zygote has open: %s", fd)
		}
	}
}

// The parts of the record that time can't be waited for.
func TestDenialsAreSlowedDown(t *testing.T) {
	t.Parallel()
	var d denials
	now := time.Now()
	for n := range promptDenials {
		if later := d.note("socket", now); later != 0 {
			t.Fatalf("answer %d waits %v", n, later)
		}
	}
	for n := range 10 { // ten threads at once wait for each other
		if later, want := d.note("socket", now), time.Duration(n+1)*denialPause; later != want {
			t.Errorf("answer %d waits %v, want %v", n, later, want)
		}
	}
	if later := d.note("socket", now.Add(time.Minute)); later != denialPause {
		t.Errorf("a minute later: %v, want %v", later, denialPause)
	}
	d.answered = 1_000_000
	if later := d.note("socket", now.Add(time.Hour)); later != slowestDenial {
		t.Errorf("after a million: %v, want %v", later, slowestDenial)
	}
}
