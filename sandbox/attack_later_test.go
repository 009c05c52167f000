//go:build linux && amd64

package sandbox

import (
	_ "embed"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"codecell/sandbox/attack"

	"golang.org/x/sys/unix"
)

//go:embed testdata/jails/leave_behind.py
var leaveSource string

//go:embed testdata/jails/look_around.py
var lookSource string

// Every run is a process of its own, forked from a zygote that has never seen a
// program: what one run has in its memory no later one finds, whichever jail it is
// in. Nor does it find the server's secret, unless it was started with it.
func TestMemoryOfAnEarlierRun(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	// What the earlier run left, what this one has itself, the server's secret.
	look := attack.Prelude + `HALVES = [(b"Pol", b"ished"), (b"Own", b"Secret"), (b"treasure", b"treasure")]` + "\n" + lookSource
	self := publicSelf(t)
	for _, c := range []struct{ task, want string }{
		{"both", "[False, True, False] True\n"},
		{"outer alone", "[False, True, False] True\n"},
		{"inner alone", "[False, True, True] True\n"}, // it has the server's environment
	} {
		t.Run(c.task, func(t *testing.T) {
			t.Parallel()
			j := startJail(t, c.task, self, c.task)
			if end := j.attack(t, leaveSource+look); !strings.HasSuffix(end.Stdout, strings.Replace(c.want, "False", "True", 1)) {
				t.Fatalf("positive control: in the same run: %+v", end)
			}
			if end := j.attack(t, leaveSource); end.Stdout != "20000\n" {
				t.Fatalf("the earlier run: %+v", end)
			}
			if end := j.attack(t, look); end.Stdout != c.want {
				t.Errorf("the later run found %+v, want %q", end, c.want)
			}
		})
	}
}

// escape does what a process can to be left alone, and goes on for ever.
const escape = `
import os, time
def attempt(act):
    try:
        return act()
    except OSError:
        return None
call(157, 1, 0, 0, 0, 0)  # PR_SET_PDEATHSIG: none
attempt(os.setsid), attempt(lambda: os.setpgid(0, 0))
child = attempt(os.fork)
if child == 0:
    attempt(os.setsid)
    if attempt(os.fork):
        os.kill(os.getpid(), 19)  # SIGSTOP: until the parent knows
elif child:
    os.waitpid(child, os.WUNTRACED)
    os.kill(child, 18)  # SIGCONT
os.write(1, b"%d\\n" % os.getpid())
while True:
    time.sleep(3600)
`

// No run outlives its zygote: not by leaving its group or session, not by taking
// back its parent-death signal, and not by children of its own.
func TestRunsEndWithTheirZygote(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	code := strings.ReplaceAll(attack.Prelude+escape, `\\n`, `\n`)
	outlives(t, code)
	self := publicSelf(t)
	for _, c := range []struct {
		task   string
		before int // processes: the zygote, the run and those that it made; perhaps a parked one
	}{
		{"both", 2},
		{"outer alone", 4},
		{"outer alone, filter", 4}, // no PID namespace, which ends with its first process
		{"inner alone", 2},
	} {
		t.Run(c.task, func(t *testing.T) {
			t.Parallel()
			j := startJail(t, c.task, self, c.task)
			end := j.orphan(t, code)
			if end.Before < c.before || end.Error != ErrRunLost.Error() {
				t.Errorf("before the zygote's end: %+v, want at least %d processes", end, c.before)
			}
			if end.After != 0 {
				t.Errorf("%d processes have outlived their zygote", end.After)
			}
		})
	}
}

// outlives is the positive control: outside, what the escape leaves lives on when
// its parent was killed.
func outlives(t *testing.T, code string) {
	t.Helper()
	python := jailPython(t)
	cmd := exec.CommandContext(t.Context(), python.Path, "-I", "-S", "-c", "import os\nif os.fork():\n    os.wait()\n"+code)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	// The run, its child and its child's child.
	var pids []int
	room := make([]byte, 64)
	for text := ""; strings.Count(text, "\n") < 3; {
		n, err := out.Read(room)
		if err != nil {
			t.Fatal(err)
		}
		text += string(room[:n])
		pids = pids[:0]
		for field := range strings.FieldsSeq(text) {
			if pid, err := strconv.Atoi(field); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	check(t, unix.Kill(-cmd.Process.Pid, unix.SIGKILL))
	for _, pid := range pids {
		if err := unix.Kill(pid, 0); err != nil {
			t.Errorf("positive control: process %d has ended with its parent's group", pid)
			continue
		}
		p, err := os.FindProcess(pid)
		check(t, err)
		check(t, p.Kill())
	}
	_ = cmd.Wait() // killed
}

// A run that could leave its streams to somebody (the inner jail is all that keeps
// it from that) would hold its caller up, and its slot, for ever.
func TestStreamsThatSomebodyHolds(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	const hold = `
import os, time
if os.fork() == 0:
    time.sleep(3600)
print("gone")
`
	j := startJail(t, "outer", publicSelf(t), "outer alone")
	if end := j.attack(t, hold); end.Stdout != "gone\n" || end.Lost != "" {
		t.Errorf("the run: %+v", end)
	}
	// Who comes before the zygote is replaced is told that the run was lost with it,
	// or that there is no warm interpreter.
	var next ended
	eventually(t, 10*time.Second, "a program runs", func() bool {
		next = j.attack(t, "print(42)")
		return next.Lost == ""
	})
	if next.Stdout != "42\n" {
		t.Errorf("the next: %+v", next)
	}
	wantNobodyLeft(t, map[int]string{next.Zygote: j.name})
}

// A program that was run can't have it that it was not, for then it would not be
// measured; nor put its own words into the log.
func TestForgedRefusalIsNotBelieved(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var log strings.Builder
	s := start(t, func(_ *Profile, cfg *Config) {
		cfg.Log = slog.New(slog.NewJSONHandler(writerFunc(func(text []byte) {
			mu.Lock()
			defer mu.Unlock()
			log.Write(text)
		}), nil))
	})
	// The policy, in force, does not see what this does.
	res, err := s.Run(t.Context(), Job{Code: `
import statistics
os = getattr(statistics, "sys").modules["os"]
import json
for tag in b"V", b"N":
    text = json.dumps(["forged " * 100]).encode()
    os.write(3, tag + len(text).to_bytes(4, "little") + text)
getattr(os, "_exit")(0)
`})
	if err != nil || res.Outcome != OutcomeOK || res.Usage.CPU == 0 {
		t.Errorf("%+v, %v", res, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if strings.Contains(log.String(), "forged") {
		t.Errorf("the log has %s", log.String())
	}
}

func TestForgedMessagesChangeNobodysResult(t *testing.T) {
	t.Parallel()
	s := start(t, observe)
	// To whatever descriptor is there: reports of the zygote's protocol, control
	// frames, and noise. A run can forge its own outcome, no more.
	res := mustRun(t, s, `
import os, struct
reports = [struct.pack("<c7xQQQQQQ", b"X", n, 0, 0, 0, 0, 0) for n in range(1, 4)] + [struct.pack("<c7xQQ", b"S", 2, 1), b"L{}", b"H"]
frames = [struct.pack("<cI", tag, len(text)) + text for tag, text in ((b"J", bytes(8)), (b"B", bytes(8)), (b"V", b"[\"forged\"]"), (b"E", b"{}"), (b"?", b""))]
for fd in range(3, 1024):
    for message in reports + frames + [os.urandom(100)]:
        try:
            os.write(fd, message)
        except OSError:
            pass
print("done")
`)
	if string(res.Stdout.Data) != "done\n" || res.Outcome != OutcomeOK {
		t.Errorf("%s %q %q", res.Outcome, res.Stdout.Data, res.Stderr.Data)
	}
	if res := mustRun(t, s, "print(42)"); string(res.Stdout.Data) != "42\n" {
		t.Errorf("the next run: %+v", res)
	}
}

func TestNothingStaysForTheNextRun(t *testing.T) {
	t.Parallel()
	s := start(t, observe)
	const leave = `
import os, sys, builtins, gc, signal, struct
builtins.print.__self__.leak = "leak"
os.environ["LEAK"] = "1"
sys.modules["leak"] = sys
sys.setrecursionlimit(77)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for fd in range(4):
    try:
        os.set_blocking(fd, False)
    except OSError as exc:
        print(fd, exc.errno)
`
	const look = `
import os, sys, builtins, gc, signal
print(hasattr(builtins, "leak"), "LEAK" in os.environ, "leak" in sys.modules, sys.getrecursionlimit(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
print([o for o in gc.get_objects() if isinstance(o, str) and "canary" in o])
`
	first := mustRun(t, s, look)
	mustRun(t, s, leave+"keep = ['canary'] * 10\n")
	if second := mustRun(t, s, look); string(second.Stdout.Data) != string(first.Stdout.Data) {
		t.Errorf("before %q\nafter  %q %q", first.Stdout.Data, second.Stdout.Data, second.Stderr.Data)
	}
}
