//go:build linux

package contract

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/rawhttp"
)

const (
	startTimeout = 30 * time.Second       // from exec to an open port
	stopTimeout  = 15 * time.Second       // from SIGTERM to the exit: 8 s of drain and some air
	atOnce       = 500 * time.Millisecond // for an answer that must not wait for anything
	poll         = 5 * time.Millisecond   // between two looks at what has no event
)

// answerTime is for an answer that the machine's load may delay.
var answerTime = time.Duration(20*slowness) * time.Second

// A server is one of the mains, running.
type server struct {
	bin    binary
	addr   string
	pid    int
	log    *syncBuffer
	exited chan struct{} // closed when the process is reaped
	state  *os.ProcessState
}

// start runs bin on a free loopback port and returns once the port is open.
// When the test ends the server is stopped, unless the test did so, and must
// end well.
func start(t *testing.T, bin binary, env ...string) *server {
	t.Helper()
	const attempts = 5 // another process may take the free port first
	for range attempts {
		s := launch(t, bin, env...)
		if s.awaitPort() {
			t.Cleanup(func() {
				select {
				case <-s.exited: // the test's own doing
				default:
					s.signal(t, syscall.SIGTERM)
					s.wantGoodEnd(t, stopTimeout)
				}
				if t.Failed() {
					t.Logf("%s's log:\n%s", bin.name, s.log)
				}
			})
			return s
		}
		s.kill()
		if log := s.log.String(); !strings.Contains(log, "taken") && !strings.Contains(log, "address already in use") {
			t.Fatalf("%s did not open its port: %v\n%s", bin.name, s.state, log)
		}
	}
	t.Fatalf("%s: no free port in %d attempts", bin.name, attempts)
	return nil
}

// launch runs bin and returns at once. Only what is named here of this
// process's environment reaches it.
func launch(t *testing.T, bin binary, env ...string) *server {
	t.Helper()
	if err := seeSources(); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	s := &server{bin: bin, addr: "127.0.0.1:" + port, log: &syncBuffer{}, exited: make(chan struct{})}
	cmd := exec.Command(bin.path, bin.args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PORT=" + port, "LOCAL_ONLY=true"}, env...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:  syscall.SIGKILL, // with a test binary that is killed
		Cloneflags: bin.namespaces,
	}
	if onGVisor && bin.namespaces != 0 {
		// The first process of a PID namespace sees no parent, takes it for dead and
		// kills itself, which Linux spares it. The whole gVisor ends with the test.
		cmd.SysProcAttr.Pdeathsig = 0
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // its state says more
		s.state = cmd.ProcessState
		close(s.exited)
	}()
	return s
}

// usedPorts are those that freePort has handed out.
var usedPorts sync.Map

// freePort returns a port that nobody listens on. It is none of those that the
// kernel gives to clients and to listeners on port 0 (from 32768 on, see
// ip_local_port_range in ip(7)): there another test's server, or even the
// dialling socket itself, might answer in place of ours before it listens.
func freePort(t *testing.T) string {
	t.Helper()
	const first, last = 20000, 32000
	for range last - first {
		port := itoa(first + rand.IntN(last-first))
		if _, used := usedPorts.LoadOrStore(port, nil); used {
			continue
		}
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// awaitPort is false when the process ended, or the time was over, before.
func (s *server) awaitPort() bool {
	deadline := time.After(startTimeout)
	for tick := time.Tick(poll); ; {
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-tick:
		case <-s.exited:
			return false
		case <-deadline:
			return false
		}
	}
}

func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(s.pid, sig); err != nil {
		t.Errorf("signal %v: %v", sig, err)
	}
}

func (s *server) kill() {
	if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		panic(err)
	}
	<-s.exited
}

// wantGoodEnd waits for the exit, which must come in time, with code 0, and
// leave no process behind.
func (s *server) wantGoodEnd(t *testing.T, within time.Duration) {
	t.Helper()
	family, err := cell.Descendants(s.pid)
	if err != nil {
		t.Error(err)
	}
	select {
	case <-s.exited:
		if code := s.state.ExitCode(); code != 0 {
			t.Errorf("%s ended with %v, want exit code 0", s.bin.name, s.state)
		}
	case <-time.After(within):
		t.Errorf("%s is still there %v after its signal", s.bin.name, within)
		s.kill()
	}
	for _, p := range family {
		if p.Exists() {
			t.Errorf("%s left process %v behind", s.bin.name, p)
		}
	}
}

// dial opens a connection that ends with the test.
func (s *server) dial(t *testing.T) *rawhttp.Conn {
	t.Helper()
	conn, err := rawhttp.Dial(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Leave() })
	return conn
}

// A syncBuffer is a buffer that a process writes and a test reads.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
