//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// An attack prints what begins with escaped when it got through. What it prints
// else, or dies of, does not matter.
type attack struct {
	name string
	// code returns the program; port is a listener's on the loopback interface.
	code func(port int) string
	// seen: the listener sees it when it gets through.
	seen bool
}

const escaped = "ESCAPED"

// attacks are a handful, to be tried on every kind of machine. They make their
// calls as directly as the interpreter allows.
var attacks = []attack{
	{name: "read a file", code: func(int) string {
		return `
import os
print("ESCAPED", os.read(os.open("/etc/passwd", os.O_RDONLY), 20))
`
	}},
	{name: "list a folder", code: func(int) string {
		return `
import os
print("ESCAPED", os.listdir("/"))
`
	}},
	{name: "fork", code: func(int) string {
		return `
import os
if os.fork() == 0:
    os._exit(0)
print("ESCAPED")
`
	}},
	{name: "connect to a listener", seen: true, code: func(port int) string {
		// struct sockaddr_in of 127.0.0.1; no module socket, whose import alone may fail.
		return fmt.Sprintf(`
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
address = (2).to_bytes(2, "little") + (%d).to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
fd = libc.syscall(%d, 2, 1, 0)
if fd >= 0 and libc.syscall(%d, fd, address, len(address)) == 0:
    print("ESCAPED")
else:
    print("denied", ctypes.get_errno())
`, port, unix.SYS_SOCKET, unix.SYS_CONNECT)
	}},
}

// try posts the attack and returns nil when it got nowhere.
func (a attack) try(t *testing.T, c *cell.Client) error {
	t.Helper()
	l := listen(t)
	answer := execute(t, c, cell.Request{Code: a.code(l.port), Timeout: 5})
	if answer.Outcome == "" {
		return fmt.Errorf("it has not run: %s", answer)
	}
	if strings.Contains(answer.Stdout, escaped) {
		return fmt.Errorf("got through: %q", answer.Stdout)
	}
	if l.visited() {
		return errors.New("the listener was reached")
	}
	return nil
}

// control runs the attack outside, where it has to succeed.
func (a attack) control(t *testing.T) {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "python3", "-I", "-c", a.code(l.port)).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), escaped) {
		t.Errorf("%v, printed %q", err, out)
	}
	if a.seen && !l.visited() {
		t.Error("the listener saw nobody")
	}
}

// listener waits for visitors on the loopback interface.
type listener struct {
	*net.TCPListener
	port int
}

func listen(t *testing.T) listener {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("listening on a %T", l.Addr())
	}
	return listener{l, addr.Port}
}

// visited says whether a connection was made. The kernel completes one before
// connect(2) returns, so there is nothing to wait for.
func (l listener) visited() bool {
	if err := l.SetDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return false
	}
	conn, err := l.Accept()
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
