//go:build linux && amd64

package sandbox

import "testing"

func init() {
	childTasks["outer alone, with files"] = func(t *testing.T) {
		jailSource += outerAloneSource // this process has no other test
		s := naming(t)
		serveAttacks(t, s, s.Layers())
	}
}

// A program under the outer jail alone, of a profile whose outer filter asks: it can't
// have the listener that would let it answer itself. The filter that it tries to install
// lets everything pass but socket, about which it asks.
func TestOuterAloneGivesNoListener(t *testing.T) {
	requireRoot(t)
	requireWorkspaces(t)
	j := startJail(t, "outer alone", publicSelf(t), "outer alone, with files")
	end := j.attack(t, `
import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
code = b"".join(struct.pack("=HBBI", *i) for i in [(0x20, 0, 0, 0), (0x15, 0, 1, 41), (6, 0, 0, 0x7fc00000), (6, 0, 0, 0x7fff0000)])
code = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("=H6xQ", 4, ctypes.addressof(code)))
def attempt(flags):
    ctypes.set_errno(0)
    return libc.syscall(317, 1, flags, program, 0, 0, 0), ctypes.get_errno()
def connect():
    try: socket.socket()
    except OSError as exc: return exc.errno
print(connect(), attempt(8), connect(), attempt(8 | 1 << 32), attempt(0), connect(), attempt(8))
`)
	// EPERM as long as the server answers. With a filter in front that nobody listens to,
	// ENOSYS.
	if want := "1 (-1, 1) 1 (-1, 1) (0, 0) 38 (-1, 1)\n"; end.Stdout != want {
		t.Errorf("%q, want %q\n%s%s", end.Stdout, want, end.Stderr, end.Lost)
	}
}
