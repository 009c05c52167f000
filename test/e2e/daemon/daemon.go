//go:build linux

// Package daemon starts the programs that stand beside the server in a test: a
// queue-proxy, a collector, a Prometheus.
package daemon

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Daemon is a running program.
type Daemon struct {
	name   string
	cmd    *exec.Cmd
	log    lockedBuffer
	exited chan struct{} // closed when the process is reaped
}

// Start starts a program with exactly this environment. It is killed when the
// test ends, and a test that failed shows its log.
func Start(t *testing.T, env []string, name string, args ...string) *Daemon {
	t.Helper()
	d := &Daemon{name: name, cmd: exec.Command(name, args...), exited: make(chan struct{})}
	d.cmd.Env = append([]string{}, env...) // nil would be our own
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	d.cmd.WaitDelay = time.Second
	// For a test binary that is killed itself.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // how it ended is in its log
		close(d.exited)
	}()
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			t.Logf("the log of %s:\n%s", name, d.Log())
		}
	})
	return d
}

// Kill ends the program at once and waits for it. It may have ended before.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Kill()
	<-d.exited
}

// Signal sends it a signal.
func (d *Daemon) Signal(s syscall.Signal) error { return d.cmd.Process.Signal(s) }

// Await asks until ok returns nil, and fails the test with its last error after
// 20 s, or when the program ends before.
func (d *Daemon) Await(t *testing.T, ok func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for {
		err := ok()
		if err == nil {
			return
		}
		select {
		case <-d.exited:
			t.Fatalf("%s has ended; before that: %v", d.name, err)
		case <-late:
			t.Fatalf("%s after 20 s still: %v", d.name, err)
		case <-tick.C:
		}
	}
}

// Log returns what it has written to its streams so far.
func (d *Daemon) Log() string { return d.log.String() }

// FreePort returns a port of the loopback interface that nobody listens on. It
// is for programs that can't say which port they were given; where others may
// take it first, the program says so and ends.
func FreePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Listening returns nil when somebody listens on the port.
func Listening(port string) error {
	c, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), time.Second)
	if err != nil {
		return fmt.Errorf("nobody listens: %w", err)
	}
	return c.Close()
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
