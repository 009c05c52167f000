package launch

// The lists of system calls, as data. Every name is one of
// github.com/elastic/go-seccomp-bpf/arch's, the kernel's own.

// An argument test compares one of the call's arguments, all 64 bits of it.
type argTest struct {
	arg   uint32
	op    argOp
	value uint64
}

type argOp int

const (
	equal     argOp = iota + 1
	lessEqual       // unsigned
	moreEqual       // unsigned
	anyBit          // of value is set
	noBits          // of value is set
)

// A rule allows a call when all its tests hold. A call may have several rules.
type rule struct {
	name  string
	tests []argTest
}

// calls are rules without tests.
func calls(names ...string) []rule {
	rules := make([]rule, len(names))
	for i, n := range names {
		rules[i].name = n
	}
	return rules
}

func when(name string, tests ...argTest) rule { return rule{name, tests} }

func arg(n uint32, op argOp, value uint64) argTest { return argTest{n, op, value} }

// whenIn is one rule for each value that argument n may have.
func whenIn(name string, n uint32, values ...uint64) []rule {
	rules := make([]rule, len(values))
	for i, v := range values {
		rules[i] = when(name, arg(n, equal, v))
	}
	return rules
}

func concat(lists ...[]rule) []rule {
	var all []rule
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Values of arguments that the rules below name, from the kernel's uapi headers.
const (
	protExec      = 0x4
	mapPrivAnon   = 0x22 // MAP_PRIVATE|MAP_ANONYMOUS: exactly what malloc and pymalloc ask for
	mremapMayMove = 0x1
	madvDontNeed  = 0x4
	cloneFork     = 0x01200011 // CLONE_CHILD_SETTID|CLONE_CHILD_CLEARTID|SIGCHLD: glibc's fork, no other shape

	fGetFD, fSetFD, fGetFL, fDupCloexec = 1, 2, 3, 1030

	prSetPdeathsig, prSetDumpable, sigKill = 1, 4, 9

	tcgets = 0x5401

	lastClock = 11 // CLOCK_TAI: the last of the clocks that are everybody's or one's own

	futexWait, futexWake, futexWaitBitset  = 0, 1, 9
	futexPrivate, futexClockRealtime       = 128, 256
	seccompSetFilter, prioProcess, thisPID = 1, 0, 0
)

// maxPID is one above what a pid can be (PID_MAX_LIMIT, include/linux/threads.h).
// A group or "everybody" is 0 or negative: as 64 bits, larger than this.
const maxPID = 4 << 20

// futexOps are the operations that glibc's and CPython's locks use, private to
// the process: a shared futex on a page of a mapped file (libc's text will do) is
// found by every other process that maps the file, through all namespaces.
// Left out is also everything with priority inheritance or requeueing.
var futexOps = []uint64{
	futexWait | futexPrivate, futexWake | futexPrivate, futexWaitBitset | futexPrivate,
	futexWaitBitset | futexPrivate | futexClockRealtime,
}

// common is what both a zygote and a run need: memory, clocks, signals of its
// own, and the descriptors that it has.
var common = concat(commonArch,
	calls("read", "write", "close", "fstat", "lseek"),
	calls("brk", "munmap"),
	calls("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
	calls("getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid"),
	calls("gettimeofday", "nanosleep"),
	// A negative clock is another process's processor time, by its pid or pidfd.
	[]rule{
		when("clock_gettime", arg(0, lessEqual, lastClock)), when("clock_getres", arg(0, lessEqual, lastClock)),
		when("clock_nanosleep", arg(0, lessEqual, lastClock)),
	},
	calls("getrandom", "getrusage", "sched_yield", "exit_group"),
	whenIn("futex", 1, futexOps...),
	// For realloc. It can also lengthen the map of a library's code over more of
	// the same file: bytes that are there to be read already, and none of its own.
	whenIn("mremap", 3, mremapMayMove),
	// F_SETOWN, F_SETSIG and O_ASYNC together are a kill in disguise.
	whenIn("fcntl", 1, fGetFD, fGetFL),
)

// outer is what an interpreter needs to start, import and fork; everything else
// is EPERM for it and for every run. It is in force from before its execve.
var outer = concat(common, outerArch,
	// Start and import: read files (Landlock says which), map libraries.
	calls("openat", "readlinkat", "faccessat", "getdents64", "getcwd",
		"pread64", "mmap", "mprotect", "set_tid_address", "set_robust_list", "rseq",
		"uname", "sysinfo", "sched_getaffinity", "execve"), // execve: this once; the seal takes it away
	whenIn("ioctl", 1, tcgets),
	whenIn("fcntl", 1, fSetFD, fDupCloexec),
	whenIn("madvise", 2, madvDontNeed),
	[]rule{when("prlimit64", arg(0, equal, thisPID))},
	// Serve: take work, fork, watch, report.
	calls("recvmsg", "sendmsg", "getsockname", "ppoll", "wait4", "pidfd_open", "dup3", "close_range"),
	[]rule{when("clone", arg(0, equal, cloneFork))},
	// What a child does to jail itself.
	[]rule{
		// SIGKILL and no other: a run that took it back could outlive its zygote.
		when("prctl", arg(0, equal, prSetPdeathsig), arg(1, equal, sigKill)),
		when("prctl", arg(0, equal, prSetDumpable), arg(1, equal, 0)),
		when("setpriority", arg(0, equal, prioProcess), arg(1, equal, thisPID)),
		// No flags: NEW_LISTENER is a descriptor that answers calls, TSYNC another thread's filter.
		when("seccomp", arg(0, equal, seccompSetFilter), arg(1, equal, 0)),
		when("kill", arg(0, moreEqual, 1), arg(0, lessEqual, maxPID)), // one process, never a group
	},
	calls("getpriority", "landlock_create_ruleset", "landlock_restrict_self", "tgkill"),
)

// seal is what a warm zygote gives up for itself and all its runs, on top of
// outer: programs, paths (Landlock does not cover stat), and new executable
// code. This list names what is *refused*; the rest stays as outer has it.
var seal = concat(sealArch,
	calls("execve", "openat", "readlinkat", "faccessat", "getdents64", "getcwd"),
	[]rule{when("mmap", arg(2, anyBit, protExec)), when("mprotect", arg(2, anyBit, protExec))},
)

// inner is all that a run of a profile without files, threads and processes may
// call, with the arguments that it may use.
var inner = concat(common,
	[]rule{
		// No executable page, no file, no chosen address: the address hint is 0.
		when("mmap", arg(0, equal, 0), arg(2, noBits, protExec), arg(3, equal, mapPrivAnon)),
		when("kill", arg(0, equal, pidPlaceholder)),
		when("tgkill", arg(0, equal, pidPlaceholder)),
	},
)

// pidPlaceholder stands in inner for the run's own pid, which the child patches
// into the program just before it installs it. No pid is ever this large.
const pidPlaceholder = 0x7ed5c0de
