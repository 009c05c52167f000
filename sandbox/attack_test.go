//go:build linux && amd64

package sandbox

import (
	"embed"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Each attack is a Python program that makes raw system calls (so the numbers
// are amd64's), prints WON when it got what it wanted and LOST otherwise. It must
// win outside the jail, or it proves nothing, and lose inside. What it was after
// is looked at from outside as well.
//
//go:embed testdata/attacks/*.py
var attacks embed.FS

func TestAttacks(t *testing.T) {
	requireRoot(t) // the positive controls read and signal this very process
	s := sharedSandbox(t)
	prelude := attack(t, "prelude")

	secret := []byte(strings.Repeat("treasure", 8))
	defer runtime.KeepAlive(secret)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	const sig = unix.SIGUSR2
	hits := make(chan os.Signal, 16)
	signal.Notify(hits, sig)
	defer signal.Stop(hits)

	values := strings.NewReplacer(
		"@PID@", strconv.Itoa(os.Getpid()),
		"@SIGNAL@", strconv.Itoa(int(sig)),
		"@ADDRESS@", strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&secret[0]))), 10),
		"@SIZE@", strconv.Itoa(len(secret)),
		"@PORT@", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port),
		"@THREADS@", "50",
	)
	files, err := attacks.ReadDir("testdata/attacks")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".py")
		if name == "prelude" {
			continue
		}
		tried++
		t.Run(name, func(t *testing.T) {
			code := values.Replace(prelude + attack(t, name))
			control := exec.Command(s.Interpreter().Path, "-I", "-S", "-")
			control.Stdin = strings.NewReader(code)
			out, err := control.CombinedOutput()
			if !strings.Contains(string(out), "WON") {
				t.Fatalf("positive control: the attack fails outside the jail too: %v\n%s", err, out)
			}
			drainSignals(hits)
			drainConnections(listener)

			res := mustRun(t, s, code)
			text := string(res.Stdout.Data)
			if strings.Contains(text, "WON") || strings.Contains(text, "treasure") || !strings.Contains(text, "LOST") {
				t.Errorf("stdout %q, stderr %q, exit %d %s", text, res.Stderr.Data, res.ExitCode, res.Outcome)
			}
			t.Logf("outside: %s   inside: %s", strings.TrimSpace(string(out)), strings.TrimSpace(text))
			if n := drainSignals(hits); n > 0 {
				t.Errorf("the server got %d signals", n)
			}
			if n := drainConnections(listener); n > 0 {
				t.Errorf("the listener got %d connections", n)
			}
			if err := s.Ready(); err != nil {
				t.Errorf("after the attack: %v", err)
			}
		})
	}
	t.Logf("%d attacks tried", tried)
}

func attack(t *testing.T, name string) string {
	t.Helper()
	text, err := attacks.ReadFile(path.Join("testdata/attacks", name+".py"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drainSignals counts what has arrived. A signal sent before the sender's exit
// was reaped is in the channel once the Go runtime's own has passed through it.
func drainSignals(hits chan os.Signal) (n int) {
	fence := make(chan os.Signal, 1)
	signal.Notify(fence, unix.SIGUSR1)
	defer signal.Stop(fence)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	<-fence
	for {
		select {
		case <-hits:
			n++
		default:
			return n
		}
	}
}

// drainConnections accepts what the kernel has already connected.
func drainConnections(l net.Listener) (n int) {
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Millisecond))
	for {
		conn, err := l.Accept()
		if err != nil {
			return n
		}
		conn.Close()
		n++
	}
}

func TestForgedMessagesChangeNobodysResult(t *testing.T) {
	t.Parallel()
	s := start(t, observe)
	// To whatever descriptor is there: reports of the zygote's protocol, control
	// frames, and noise. A run can forge its own outcome, no more.
	res := mustRun(t, s, `
import os, struct
reports = [struct.pack("<c7xQQQQQ", b"X", n, 0, 0, 0, 0) for n in range(1, 4)] + [struct.pack("<c7xQQ", b"S", 2, 1), b"L{}", b"H"]
frames = [struct.pack("<cI", tag, len(text)) + text for tag, text in ((b"J", b""), (b"V", b"[\"forged\"]"), (b"E", b"{}"), (b"?", b""))]
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
