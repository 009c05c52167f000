//go:build linux

package sandbox

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// A full workspace is ENOSPC to the program, by bytes and by files, and nothing to anybody else.
func TestFullWorkspace(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{Code: `
import os
wrote = 0
try:
    with open("big", "wb", buffering=0) as f:
        while True: wrote += f.write(bytes(1 << 16))
except OSError as e: print(e.strerror)
print(3 << 20 < wrote <= 4 << 20)
os.remove("big")
made = 0
try:
    while True: open(str(made), "w").close(); made += 1
except OSError as e: print(e.strerror)
print(900 < made < 1024)
`})
	if got, want := string(res.Stdout.Data), "No space left on device\nTrue\nNo space left on device\nTrue\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a run leaves is gone before its result is there, whatever it is.
func TestNothingStaysInAWorkspace(t *testing.T) {
	requireWorkspaces(t)
	s := startProfile(t, "standard", func(p *Profile, _ *Config) { p.Workspace = 4 })
	look := func() string {
		t.Helper()
		return string(ok(t, s, Job{Code: `
import os
print(os.listdir("."), os.stat(".").st_nlink, oct(os.stat(".").st_mode & 0o7777))
try: print(os.listdir(".."))
except OSError as e: print(e.strerror)
`}).Stdout.Data)
	}
	used := func() (sum int64) {
		t.Helper()
		z := current(s)
		for range cap(z.workspaces.free) - 1 { // one is the parked run's
			root := <-z.workspaces.free
			n, err := (&workspace{roots: z.workspaces, root: root}).charge()
			check(t, err)
			sum += n
			z.workspaces.free <- root
		}
		return sum
	}
	first, before := look(), used()
	for _, code := range []string{
		`open("big", "wb").write(bytes(3 << 20))`,
		`for i in range(900): open(str(i), "w").close()`,
		`for i in range(900): os.mkdir("d"); os.chdir("d")`,
		`for i in range(40): os.mkdir("d"); open("f", "w").close(); os.chmod("f", 0); os.chdir("d")`,
		"os.makedirs('a/b/c'); open('a/b/c/f', 'w')\nfor d in ('a/b/c', 'a/b', 'a'): os.chmod(d, 0)",
		`os.symlink("/", "root"); os.symlink("nowhere", "x"); os.mkdir("y"); os.symlink("..", "y/up")`,
		"name = 'n' * 255\nfor i in range(20): os.mkdir(name); os.chdir(name)",
		`os.chmod(".", 0)`,
		`f = open("held", "wb"); f.write(bytes(1 << 20)); os.remove("held"); os._exit(1)`,
	} {
		runWith(t, s, Job{Code: "import os\n" + code})
		if got := look(); got != first {
			t.Errorf("%s\nleaves %swhere there was %s", code, got, first)
		}
		// The kernel keeps the folder's inode for a moment, for the ruleset that named it.
		eventually(t, 10*time.Second, "as much is used as before: "+code, func() bool { return used() <= before })
	}
}

// Two runs at once: neither can see, enter or change what is the other's.
func TestWorkspacesApart(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	r, w := newLines()
	ended := make(chan Result, 1)
	var running sync.WaitGroup
	t.Cleanup(running.Wait) // a test that fails has its context end
	running.Go(func() {
		res, err := s.Run(t.Context(), Job{
			Code:   "import os\nopen('mine', 'w').write('secret')\nos.mkdir('open')\nos.chmod('open', 0o777)\nprint(os.getcwd(), flush=True)\ninput()\nprint(sorted(os.listdir('.')), open('mine').read())",
			Stdin:  r,
			Stdout: w,
		})
		if err != nil {
			t.Error(err)
		}
		ended <- res
	})
	path := w.line(t)
	res := ok(t, s, Job{Args: []string{path}, Code: `
import os, sys
there = sys.argv[1]
assert there != os.getcwd()
def tried(name, f):
    try: print(name, f())
    except OSError as e: print(name, "refused")
tried("read", lambda: open(there + "/mine").read())
tried("list", lambda: os.listdir(there))
tried("write", lambda: open(there + "/new", "w"))
tried("write within", lambda: open(there + "/open/new", "w"))
tried("mkdir", lambda: os.mkdir(there + "/d"))
tried("remove", lambda: os.remove(there + "/mine"))
tried("rename", lambda: os.rename(there + "/mine", "mine"))
tried("link", lambda: os.link(there + "/mine", "mine"))
tried("truncate", lambda: os.truncate(there + "/mine", 0))
tried("chmod", lambda: os.chmod(there + "/open", 0))
tried("move in", lambda: (open("x", "w").close(), os.rename("x", there + "/x")))
tried("beside", lambda: os.mkdir("../x"))
tried("list above", lambda: os.listdir(".."))
`})
	for line := range strings.Lines(string(res.Stdout.Data)) {
		if !strings.HasSuffix(line, " refused\n") {
			t.Errorf("%s", line)
		}
	}
	if n := strings.Count(string(res.Stdout.Data), "\n"); n != 13 {
		t.Errorf("%d attempts, want 13", n)
	}
	w.reply(t, "go on")
	if got := w.line(t); got != "['mine', 'open'] secret" {
		t.Errorf("the other found %s", got)
	}
	if res := <-ended; res.Outcome != OutcomeOK {
		t.Errorf("%s", res.Outcome)
	}
}

// The interpreter's files can be read, and nothing else; none can be written to.
func TestWhatCanBeRead(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{Code: `
import os
print(len(open(os.__file__).read()) > 1000)
def tried(f):
    try: f(); print("done")
    except OSError as e: print("refused")
tried(lambda: open(os.__file__, "a"))
tried(lambda: os.truncate(os.__file__, 0))
tried(lambda: os.remove(os.__file__))
tried(lambda: os.chmod(os.__file__, 0o777))
tried(lambda: os.utime(os.__file__))
tried(lambda: os.rename(os.__file__, "os.py"))
tried(lambda: os.link(os.__file__, "os.py"))
tried(lambda: open("/etc/passwd"))
tried(lambda: open("/proc/self/maps"))
tried(lambda: open("/dev/zero"))
tried(lambda: os.listdir("/"))
tried(lambda: os.listdir("/usr"))
tried(lambda: os.open("/etc", os.O_PATH))
tried(lambda: os.open(".", os.O_PATH))
tried(lambda: os.execv("/usr/bin/python3", ["python3"]))
open("/dev/null", "w").write("x")
`})
	if got, want := string(res.Stdout.Data), "True\n"+strings.Repeat("refused\n", 15); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Threads run, up to a number; what is beyond it is an exception of the program's.
func TestThreads(t *testing.T) {
	t.Parallel()
	s := standardSandbox(t)
	res := ok(t, s, Job{Code: `
import threading, queue, concurrent.futures
with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda n: n * n, range(100))))
stop, started = threading.Event(), []
try:
    while len(started) < 1000:
        t = threading.Thread(target=stop.wait)
        t.start()
        started.append(t)
except RuntimeError as e: print(e)
print(60 <= len(started) <= 300)
stop.set()
for t in started: t.join()
import asyncio
async def main():
    async with asyncio.timeout(9): return await asyncio.gather(asyncio.to_thread(lambda: 1), asyncio.sleep(0.01, 2))
print(asyncio.run(main()))
`})
	if got, want := string(res.Stdout.Data), "328350\ncan't start new thread\nTrue\n[1, 2]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// One that never ends does not keep its run: it is killed with it.
	late, err := s.Run(t.Context(), Job{Code: "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()", Limits: Limits{Timeout: time.Second}})
	if err != nil || late.Outcome != OutcomeTimeout {
		t.Errorf("%s, %v", late.Outcome, err)
	}
}

// A profile that needs what this place has not does not start, and says what to add.
func TestWorkspaceThatCantBeHad(t *testing.T) {
	requireRoot(t)
	requireWorkspaces(t)
	self := publicSelf(t)
	for hidden, want := range map[string]string{
		"landlock":        "Landlock is of ABI 0: without ABI 3 nothing keeps a program that may open files to its own. Use a host with Linux 6.2",
		"userns,sysadmin": "this container may have no mount namespace of its own for it",
	} {
		task := "no workspace without " + hidden
		c := startChild(t, self, task, nil)
		var said string
		c.hear(t, &said)
		if !strings.Contains(said, want) || !strings.Contains(said, "workspace_mib: 0") {
			t.Errorf("without %s: %s", hidden, said)
		}
	}
}

func init() {
	for _, hidden := range []string{"landlock", "userns,sysadmin"} {
		task := "no workspace without " + hidden
		childTasks[task] = func(t *testing.T) { hide(t, hidden, "start standard") }
	}
	childTasks["start standard"] = func(t *testing.T) {
		p, err := LoadProfile("standard")
		check(t, err)
		s, err := New(t.Context(), Config{Profile: p})
		if err == nil {
			err = errors.Join(errors.New("it starts"), s.Close())
		}
		say(t, err.Error())
	}
}

// lines are a program's standard input and output, a line at a time.
type lines struct {
	io.Writer // its stdout
	stdin     *io.PipeWriter
	scan      *bufio.Scanner
}

// newLines returns what a program is to read, and lines to speak to it.
func newLines() (stdin io.Reader, l *lines) {
	in, toIn := io.Pipe()
	out, toOut := io.Pipe()
	return in, &lines{Writer: toOut, stdin: toIn, scan: bufio.NewScanner(out)}
}

func (l *lines) line(t *testing.T) string {
	t.Helper()
	if !l.scan.Scan() {
		t.Fatal(l.scan.Err())
	}
	return l.scan.Text()
}

func (l *lines) reply(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(l.stdin, text+"\n"); err != nil {
		t.Fatal(err)
	}
}
