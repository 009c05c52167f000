package launch

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

const filteredArg0 = "codecell-filtered"

func init() { children[filteredArg0] = func() { filtered(os.Args[1], os.Args[2]) } }

// survived is the exit status of a process in which something failed that is not
// what the test is about. No errno is that large.
const survived = 200

// filtered makes one call under one filter, and exits with the call's errno.
// From the filter on it makes no other system call than that and the exit.
// "refused" makes every call that the filter's list does not have, one after the
// other, and exits with the number of wrong answers.
func filtered(filter, name string) {
	runtime.LockOSThread()
	kind, with, _ := strings.Cut(name, " ")
	nr, err := strconv.Atoi(cmp.Or(with, "0"))
	if err != nil {
		os.Exit(survived)
	}
	compat := compatCall(uint32(nr))
	refused := refusedCalls(filter)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil { // SIGSYS would leave one
		os.Exit(survived)
	}
	var byDefault [4]uintptr // struct sigaction with SIG_DFL: Go's own handler would print for long
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGILL), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0); errno != 0 {
		os.Exit(survived)
	}
	filters, err := NewFilters(Abilities{})
	withFiles, errFiles := NewFilters(Abilities{Files: true})
	if err := errors.Join(err, errFiles, unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(survived)
	}
	for _, put := range map[string][]func() error{
		"outer": {alone(filters.Outer)}, "seal": {alone(filters.Seal)}, "inner": {alone(filters.Inner)},
		"outer that asks": {alone(withFiles.Asking)}, "inner with files": {alone(withFiles.Inner)},
		// A container's own filter has a listener already.
		"outer behind a listener": {listening(filters.Seal), withFiles.enterOuter},
	}[filter] {
		if err := put(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(survived)
		}
	}
	var errno syscall.Errno
	switch kind {
	case "getppid":
		_, _, errno = unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	case "socket":
		_, _, errno = unix.RawSyscall(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_STREAM, 0)
	case "openat":
		_, _, errno = unix.RawSyscall(unix.SYS_OPENAT, 0, uintptr(unsafe.Pointer(&root[0])), unix.O_PATH)
	case "clone3":
		_, _, errno = unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	case "x32":
		_, _, errno = unix.RawSyscall(x32Bit|uintptr(nr), 0, 0, 0)
	case "native":
		_, _, errno = unix.RawSyscall6(uintptr(nr), 0, 0, 0, 0, 0, 0)
	case "i386":
		compat()
	case "refused":
		for _, c := range refused {
			if _, _, got := unix.RawSyscall6(c.nr, 0, 0, 0, 0, 0, 0); got != c.want {
				errno = min(errno+1, survived-1)
			}
		}
	default:
		errno = survived
	}
	unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
}

// alone puts one program in force without a listener.
func alone(p Program) func() error {
	return func() error {
		_, err := install(p, 0)
		return err
	}
}

// listening puts one in force whose listener nobody reads.
func listening(p Program) func() error {
	return func() error {
		_, err := install(p, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
		return err
	}
}

var root = [...]byte{'/', 0}

// A refusedCall is answered with an error whatever its arguments.
type refusedCall struct {
	nr   uintptr
	want syscall.Errno
}

// unfiltered are numbers that amd64's kernel serves without a look at any filter,
// since 6.14 and 6.18: uretprobe and uprobe, which the kernel itself puts into
// processes that are traced (seccomp_uprobe_exception in kernel/seccomp.c). From
// elsewhere than there the first is SIGILL, the second ENXIO.
var unfiltered = []int{335, 336}

// refusedCalls are the numbers up to swept that a filter's list leaves nobody.
func refusedCalls(filter string) (all []refusedCall) {
	listed := func(rules []rule, nr int) bool {
		return slices.ContainsFunc(rules, func(r rule) bool { return arch.X86_64.SyscallNames[r.name] == nr })
	}
	for nr := range swept {
		if slices.Contains(unfiltered, nr) {
			continue
		}
		c := refusedCall{uintptr(nr), unix.EPERM}
		if nr == unix.SYS_CLONE3 {
			c.want = unix.ENOSYS
		}
		switch {
		case filter == "outer" && !listed(outer, nr), filter == "inner" && !listed(inner, nr):
			all = append(all, c)
		case filter == "seal" && slices.ContainsFunc(seal, func(r rule) bool {
			return len(r.tests) == 0 && arch.X86_64.SyscallNames[r.name] == nr
		}):
			all = append(all, c)
		}
	}
	return all
}

// compatCall returns a function that makes a call of i386's by int 0x80: machine
// code on a page of its own, because a test can't bring assembly.
func compatCall(nr uint32) func() {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		os.Exit(survived)
	}
	code := binary.LittleEndian.AppendUint32([]byte{0xb8}, nr) // mov eax, nr
	copy(page, append(code,
		0xcd, 0x80, // int 0x80
		0xc3, // ret
	))
	if err := unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		os.Exit(survived)
	}
	first := &page[0]
	fn := &first // a func value points to a pointer to its code
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
		{"seal", "getppid", 0},
		{"seal", "socket", 0},
		{"seal", "openat", int(unix.EPERM)},
		{"seal", "clone3", int(unix.EINVAL)},
		{"inner", "getppid", 0},
		{"inner", "socket", int(unix.EPERM)},
		{"inner", "openat", int(unix.EPERM)},
		{"inner", "clone3", int(unix.ENOSYS)},
		// Where there is nobody to be asked, and nobody to trace.
		{"outer that asks", "getppid", 0},
		{"outer that asks", "socket", int(unix.ENOSYS)},
		{"outer that asks", "openat", 0},
		{"inner with files", "getppid", 0},
		{"inner with files", "socket", int(unix.ENOSYS)},
		{"inner with files", "openat", int(unix.EPERM)}, // outer's to allow: O_PATH
		{"outer behind a listener", "getppid", 0},
		{"outer behind a listener", "socket", int(unix.EPERM)},
	} {
		t.Run(c.filter+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			if status := under(t, c.filter, c.name); !status.Exited() || status.ExitStatus() != c.want {
				t.Errorf("wait status %#x, want errno %d", status, c.want)
			}
		})
	}
}

// Under each filter alone, the kernel refuses every number that the list lacks. Most
// of these numbers are nobody's, which without a filter is ENOSYS: so EPERM is ours.
func TestKernelRefusesEveryOtherNumber(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{"outer", "seal", "inner"} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			if status := under(t, filter, "refused"); !status.Exited() || status.ExitStatus() != 0 {
				t.Errorf("wait status %#x: its exit status is how many of %d calls were answered otherwise", status, len(refusedCalls(filter)))
			}
			t.Logf("%d numbers refused by the kernel", len(refusedCalls(filter)))
		})
	}
}

// What no filter is asked about does a program no good: it is refused as well, by
// the kernel if not by the filter.
func TestUnfilteredNumbersDoNothing(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{"outer", "inner"} {
		for _, nr := range unfiltered {
			status := under(t, filter, fmt.Sprint("native ", nr))
			ill := status.Signaled() && status.Signal() == unix.SIGILL
			refused := status.Exited() && slices.Contains([]int{int(unix.EPERM), int(unix.ENXIO)}, status.ExitStatus())
			if !ill && !refused {
				t.Errorf("number %d under %s: wait status %#x, want SIGILL, ENXIO or EPERM", nr, filter, status)
			}
			t.Logf("number %d under %s: wait status %#x", nr, filter, status)
		}
	}
}

// Numbers that a filter allows to amd64 and that are other calls to i386 or x32,
// and some that no filter allows.
var foreignNumbers = []int{
	64,  // i386: getppid
	5,   // i386: open; amd64: fstat
	11,  // i386: execve; amd64: munmap
	102, // i386: socketcall; amd64: getuid
	13,  // i386: time; amd64: rt_sigaction
	96,  // i386: getpriority; amd64: gettimeofday
	110, // x32: getppid
	0,   // x32: read
	520, // x32: execve
	521, // x32: ptrace
}

// Whoever calls the kernel through another door is killed by each filter alone.
func TestForeignDoorsKill(t *testing.T) {
	t.Parallel()
	for _, door := range []string{"i386", "x32"} {
		for _, filter := range []string{"outer", "seal", "inner"} {
			t.Run(door+"/"+filter, func(t *testing.T) {
				t.Parallel()
				if door == "i386" {
					requireCompat(t)
				} else {
					requireX32Answer(t)
				}
				for _, nr := range foreignNumbers {
					if status := under(t, filter, fmt.Sprint(door, " ", nr)); !status.Signaled() || status.Signal() != unix.SIGSYS {
						t.Errorf("number %d: wait status %#x, want it killed by SIGSYS", nr, status)
					}
				}
				t.Logf("%d numbers, each killed", len(foreignNumbers))
			})
		}
	}
}

// requireCompat skips where the kernel has no 32-bit entry at all: what can't be
// called needs no filter. It is the positive control of the others.
func requireCompat(t *testing.T) {
	t.Helper()
	if status := under(t, "none", "i386 64"); !status.Exited() || status.ExitStatus() != 0 {
		t.Skipf("want a kernel with CONFIG_IA32_EMULATION, have one that ends whoever calls int 0x80: wait status %#x", status)
	}
}

// requireX32Answer is the positive control of x32: without a filter its getppid is
// answered, by a kernel without CONFIG_X86_X32_ABI with ENOSYS.
func requireX32Answer(t *testing.T) {
	t.Helper()
	status := under(t, "none", "x32 110")
	if !status.Exited() || status.ExitStatus() != 0 && status.ExitStatus() != int(unix.ENOSYS) {
		t.Fatalf("x32's getppid without a filter: wait status %#x, want it answered", status)
	}
}
