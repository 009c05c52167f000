package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const filteredArg0 = "codecell-filtered"

func init() { children[filteredArg0] = func() { filtered(os.Args[1], os.Args[2]) } }

// survived is the exit status of a process in which something failed that is not
// what the test is about. No errno is that large.
const survived = 200

// filtered makes one call under one filter, and exits with the call's errno.
// From the filter on it makes no other system call than that and the exit.
func filtered(filter, name string) {
	runtime.LockOSThread()
	compat := compatCall()
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil { // SIGSYS would leave one
		os.Exit(survived)
	}
	filters, err := NewFilters()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(survived)
	}
	program := map[string]Program{"outer": filters.Outer, "seal": filters.Seal, "inner": filters.Inner}[filter]
	if program != nil {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			os.Exit(survived)
		}
		if err := install(program); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(survived)
		}
	}
	var errno syscall.Errno
	switch name {
	case "getppid":
		_, _, errno = unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	case "socket":
		_, _, errno = unix.RawSyscall(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0)
	case "openat":
		_, _, errno = unix.RawSyscall(unix.SYS_OPENAT, 0, uintptr(unsafe.Pointer(&root[0])), unix.O_PATH)
	case "clone3":
		_, _, errno = unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	case "x32":
		_, _, errno = unix.RawSyscall(x32Bit|unix.SYS_GETPPID, 0, 0, 0)
	case "int 0x80":
		compat()
	default:
		errno = survived
	}
	unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
}

var root = [...]byte{'/', 0}

// compatCall returns a function that makes i386's getppid by int 0x80: machine
// code on a page of its own, because a test can't bring assembly.
func compatCall() func() {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		os.Exit(survived)
	}
	copy(page, []byte{
		0xb8, 64, 0, 0, 0, // mov eax, 64: getppid
		0xcd, 0x80, // int 0x80
		0xc3, // ret
	})
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		os.Exit(survived)
	}
	code := &page[0]
	fn := &code // a func value points to a pointer to its code
	return *(*func())(unsafe.Pointer(&fn))
}

// under runs filtered in a process of its own.
func under(t *testing.T, filter, name string) syscall.WaitStatus {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Args = []string{filteredArg0, filter, name}
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Exited() && status.ExitStatus() == survived {
		t.Fatalf("%s under %s did not get as far as the call: %s", name, filter, out)
	}
	return status
}

func TestKernelAnswersAsSimulated(t *testing.T) {
	t.Parallel()
	const killed = -1
	for _, c := range []struct {
		filter, name string
		want         int // errno
	}{
		// Without a filter: the calls as such work here, or fail for another reason.
		{"none", "getppid", 0},
		{"none", "socket", 0},
		{"none", "openat", 0},
		{"none", "clone3", int(unix.EINVAL)},
		{"outer", "getppid", 0},
		{"outer", "socket", int(unix.EPERM)},
		{"outer", "openat", 0},
		{"outer", "clone3", int(unix.ENOSYS)},
		{"outer", "x32", killed},
		{"outer", "int 0x80", killed},
		{"seal", "getppid", 0},
		{"seal", "socket", 0},
		{"seal", "openat", int(unix.EPERM)},
		{"seal", "clone3", int(unix.EINVAL)},
		{"seal", "x32", killed},
		{"seal", "int 0x80", killed},
		{"inner", "getppid", 0},
		{"inner", "socket", int(unix.EPERM)},
		{"inner", "openat", int(unix.EPERM)},
		{"inner", "clone3", int(unix.ENOSYS)},
		{"inner", "x32", killed},
		{"inner", "int 0x80", killed},
	} {
		t.Run(c.filter+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			if c.name == "int 0x80" {
				requireCompat(t)
			}
			status := under(t, c.filter, c.name)
			switch {
			case c.want == killed && !(status.Signaled() && status.Signal() == unix.SIGSYS):
				t.Errorf("wait status %#x, want it killed by SIGSYS", status)
			case c.want != killed && (!status.Exited() || status.ExitStatus() != c.want):
				t.Errorf("wait status %#x, want errno %d", status, c.want)
			}
		})
	}
}

// requireCompat skips where the kernel has no 32-bit entry at all: what can't be
// called needs no filter.
func requireCompat(t *testing.T) {
	t.Helper()
	if status := under(t, "none", "int 0x80"); !status.Exited() || status.ExitStatus() != 0 {
		t.Skipf("want a kernel that answers int 0x80, have one that ends the caller: wait status %#x", status)
	}
}
