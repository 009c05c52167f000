package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxSpec bounds the first message, in bytes.
const maxSpec = 64 << 10

// A process that was started under the name Arg0 goes on here and never returns. This
// is an init function because the packages that a server is made of beside this one
// would take longer to initialise than all that is done here: Go begins with those
// that import least, and of them in the order of their paths.
func init() {
	if len(os.Args) > 0 && os.Args[0] == Arg0 {
		launch()
	}
}

// launch turns this process into the interpreter of its Spec, inside the outer
// jail, or sends a Failure and exits. It never returns.
func launch() {
	// Credentials, Landlock and seccomp belong to a thread. Exec keeps those of
	// the thread that calls it and ends all others.
	runtime.LockOSThread()
	err := enter()
	f := Failure{Step: "launch", Error: err.Error()}
	if e, ok := err.(*stepError); ok { //nolint:errorlint // enter returns it bare
		f.Step, f.Error = e.step, e.err.Error()
	}
	if b, err := json.Marshal(f); err == nil {
		_, _ = unix.Write(SocketFD, append([]byte{FailureTag}, b...)) // nobody to tell if this fails
	}
	os.Exit(1)
}

// Argv is the argument list of a launch whose runs have these abilities.
func Argv(a Abilities) []string {
	argv := []string{Arg0}
	if a.Files {
		argv = append(argv, "files")
	}
	if a.Threads {
		argv = append(argv, "threads")
	}
	if a.Volume {
		argv = append(argv, "volume")
	}
	return argv
}

// abilitiesIn is the inverse of Argv.
func abilitiesIn(argv []string) Abilities {
	has := func(ability string) bool { return slices.Contains(argv[1:], ability) }
	return Abilities{Files: has("files"), Threads: has("threads"), Volume: has("volume")}
}

// FailureTag is the first byte of the message that carries a Failure.
const FailureTag = 'L'

// A step is one thing that the launch does. Its place in the list matters.
type step struct {
	name string
	do   func() error
}

// enter is the outer jail. The order is security: see the reason at each step.
// TestOuterJail proves the result from outside.
func enter() error {
	filters, err := NewFilters(abilitiesIn(os.Args)) // first: the server may not know yet what the spec is
	if err != nil {
		return &stepError{"seccomp", err}
	}
	spec, err := readSpec()
	if err != nil {
		return &stepError{"spec", err}
	}
	for _, s := range []step{
		// First of all, so that whatever the kernel must kill from here on, it
		// is not the server. Before the uid changes: the file belongs to root then.
		{"oom_score_adj", func() error { return os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }},
		// Closed by exec rather than now: Go's runtime still uses some.
		{"descriptors", func() error { return unix.CloseRange(LibraryFD+1, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) }},
		// While this process still has its namespaces' capabilities.
		{"namespace_user", func() error { return unless(!spec.SelfMap, func() error { return mapSelf(spec.UID, spec.GID) }) }},
		{"namespace_uts", func() error { return unless(!spec.NewUTS, hideHost) }},
		// For one look of the zygote at its own maps, whichever uid it has by then. Before
		// the workspaces, which hide it.
		{"proc_self", openProcSelf},
		{"workspace", func() error { return unless(spec.Workspaces.Mounts == 0, spec.Workspaces.mount) }},
		// Before the uid goes: they need CAP_SETPCAP and CAP_SETGID.
		{"capabilities", dropBounding},
		{"uid", func() error { return unless(!spec.Drop, func() error { return switchUser(spec.UID, spec.GID) }) }},
		{"capabilities", dropCapabilities},
		// Landlock and seccomp want this from whoever has no CAP_SYS_ADMIN.
		{"no_new_privs", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
		// After the last change of credentials, which clears it (prctl(2)). A
		// server that died before this leaves a closed socket: the zygote ends.
		{"pdeathsig", func() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) }},
		// What the server was started with (nohup, a shell's habits) would be every run's.
		{"signals", defaultSignals},
		{"hangup", func() error { return unless(!spec.NoHangup, ignoreHangup) }},
		{"rlimits", func() error { return limit(spec) }},
		{"huge_pages", noHugePages},
		// Last but one: all of the above opens files.
		{"landlock", func() error {
			return unless(spec.LandlockABI == 0, func() error { return restrictFiles(spec.LandlockABI, spec.Read, spec.Exec, spec.Write) })
		}},
		// Last: it refuses most of the calls above.
		{"seccomp", filters.enterOuter},
	} {
		if err := s.do(); err != nil {
			return &stepError{s.name, err}
		}
	}
	return &stepError{"exec", fmt.Errorf("%s: %w", spec.Path, unix.Exec(spec.Path, spec.Args, spec.Env))}
}

// defaultSignals ends what exec would pass on of signals: those that are ignored
// are not any more, and none is blocked. Handlers end with exec anyway.
func defaultSignals() error {
	// struct sigaction as rt_sigaction(2) takes it, with SIG_IGN as its handler.
	type action struct{ handler, flags, restorer, mask uintptr }
	const ignore, signals, maskBytes = 1, 64, 8
	for sig := uintptr(1); sig <= signals; sig++ {
		var now, byDefault action
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, 0, uintptr(unsafe.Pointer(&now)), maskBytes, 0, 0); errno != 0 {
			return fmt.Errorf("signal %d: %w", sig, errno)
		}
		if now.handler != ignore {
			continue
		}
		if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&byDefault)), 0, maskBytes, 0, 0); errno != 0 {
			return fmt.Errorf("signal %d: %w", sig, errno)
		}
	}
	var none uint64
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&none)), 0, maskBytes, 0, 0)
	if errno != 0 {
		return fmt.Errorf("signal mask: %w", errno)
	}
	return nil
}

// ignoreHangup lasts through exec and fork.
func ignoreHangup() error {
	signal.Ignore(unix.SIGHUP)
	return nil
}

// noHugePages makes memory come in small pages: at 2 MiB for a touch, a program
// could outrun the memory line on a host that hands out huge ones.
func noHugePages() error {
	err := unix.Prctl(unix.PR_SET_THP_DISABLE, 1, 0, 0, 0)
	if errors.Is(err, unix.EINVAL) {
		return nil // a kernel that does not know them (gVisor) does not hand them out
	}
	return err
}

func readSpec() (Spec, error) {
	var spec Spec
	buf := make([]byte, maxSpec)
	n, err := unix.Read(SocketFD, buf)
	if err != nil {
		return spec, err
	}
	err = json.Unmarshal(buf[:n], &spec)
	return spec, err
}

func unless(skip bool, do func() error) error {
	if skip {
		return nil
	}
	return do()
}

// openProcSelf puts /proc/self at ProcSelfFD, a number that the server has kept
// free for it. Once the zygote is sealed there is nothing that could open files
// beneath it.
func openProcSelf() error {
	fd, err := unix.Open("/proc/self", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /proc/self: %w", err)
	}
	return unix.Dup3(fd, ProcSelfFD, 0)
}

// hideHost replaces the host name in a fresh UTS namespace.
func hideHost() error {
	if err := unix.Sethostname([]byte("codecell")); err != nil {
		return err
	}
	return unix.Setdomainname(nil)
}

// pendingSignals bounds RLIMIT_SIGPENDING: queued signals are charged by uid
// and, where there is no uid of their own for runs, shared with the server.
const pendingSignals = 64

func limit(spec Spec) error {
	for _, l := range []struct {
		what  int
		value uint64
	}{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, spec.Files},
		{unix.RLIMIT_MEMLOCK, 0},
	} {
		if err := lower(l.what, l.value); err != nil {
			return err
		}
	}
	// Lowering a limit needs no privilege (setrlimit(2)): EPERM comes from a kernel that
	// does not keep it, as gVisor these two. Without them, no list has a call that opens a
	// message queue, and a run can signal itself alone.
	for what, value := range map[int]uint64{unix.RLIMIT_MSGQUEUE: 0, unix.RLIMIT_SIGPENDING: pendingSignals} {
		if err := lower(what, value); err != nil && !errors.Is(err, unix.EPERM) {
			return err
		}
	}
	if spec.Processes == 0 {
		return nil
	}
	return lower(unix.RLIMIT_NPROC, spec.Processes)
}

// lower sets both limits to value, or to the hard limit where that is lower already.
func lower(what int, value uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(what, &now); err != nil {
		return fmt.Errorf("getrlimit %d: %w", what, err)
	}
	value = min(value, now.Max)
	if err := unix.Setrlimit(what, &unix.Rlimit{Cur: value, Max: value}); err != nil {
		return fmt.Errorf("setrlimit %d: %w", what, err)
	}
	return nil
}

// install puts the program in force for the calling thread and what it execs. It returns
// the listener that the flags may ask for.
func install(p Program, flags uintptr) (listener int, err error) {
	prog := unix.SockFprog{Len: uint16(len(p) / 8), Filter: (*unix.SockFilter)(unsafe.Pointer(&p[0]))}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
