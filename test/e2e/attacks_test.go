//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// An attack is Python that ends in system calls which no run may make.
type attack struct {
	name string
	// steps is the program; %d is a listener's port on the loopback interface.
	steps string
	// seen: the listener sees it when it gets through.
	seen bool
}

// attacks are a handful, to be tried on every kind of machine. Their modules are
// in every warm interpreter, so that an import is not what stops them.
var attacks = []attack{
	{name: "read a file", steps: `import os; os.read(os.open("/etc/passwd", os.O_RDONLY), 20)`},
	{name: "list a folder", steps: `import os; os.listdir("/")`},
	{name: "fork", steps: `import os; os.fork() or os._exit(0)`},
	{name: "connect to a listener", steps: `import _socket; _socket.socket().connect(("127.0.0.1", %d))`, seen: true},
}

// What an attack prints when it got through, and when the kernel said no. One
// that prints neither died of something else and has proved nothing.
const escaped, denied = "ESCAPED", "denied by the kernel"

func (a attack) code(port int) string {
	steps := a.steps
	if a.seen {
		steps = fmt.Sprintf(steps, port)
	}
	return fmt.Sprintf(`
try:
    %s
    print(%q)
except PermissionError as e:
    print(%q, e.errno)
`, steps, escaped, denied)
}

// try posts the attack and returns nil when the kernel denied it.
func (a attack) try(t *testing.T, c *cell.Client) error {
	t.Helper()
	l := listen(t)
	answer := execute(t, c, cell.Request{Code: a.code(l.port), Timeout: 5})
	if !strings.HasPrefix(answer.Stdout, denied) {
		return fmt.Errorf("want %q, got %s", denied, answer)
	}
	if l.visited() {
		return errors.New("the listener was reached")
	}
	return nil
}

// control runs the attack outside, where it has to succeed: with the python3
// that is found behind wrap.
func (a attack) control(t *testing.T, wrap ...string) {
	t.Helper()
	l := listen(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	argv := slices.Concat(wrap, []string{"python3", "-I", "-c", a.code(l.port)})
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), escaped) {
		t.Errorf("%v, printed %q", err, out)
	}
	// A fork that got through has left its child to us.
	orphans, err := cell.Orphans()
	if err != nil {
		t.Error(err)
	}
	cell.EndOrphans(orphans)
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
// connect(2) returns, so there is nothing to wait for: the listener does not block.
func (l listener) visited() (visited bool) {
	raw, err := l.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) { // it fails on a closed listener only
		if conn, _, err := unix.Accept(int(fd)); err == nil {
			visited = true
			_ = unix.Close(conn)
		}
	})
	return visited
}
