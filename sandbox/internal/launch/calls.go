package launch

import "slices"

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
	// instead says that the call is not made, and what is answered.
	instead answer
}

// An answer is what a call that is not made is answered with.
type answer int

const (
	tryAgain answer = iota + 1 // EAGAIN
	done                       // 0, as if it was made
	denied                     // EPERM, whatever others are answered
)

// calls are rules without tests.
func calls(names ...string) []rule {
	rules := make([]rule, len(names))
	for i, n := range names {
		rules[i].name = n
	}
	return rules
}

func when(name string, tests ...argTest) rule { return rule{name: name, tests: tests} }

// instead are rules for calls that are answered so, and not made.
func instead(a answer, rules []rule) []rule {
	for i := range rules {
		rules[i].instead = a
	}
	return rules
}

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
	protReadWrite = 0x3
	mapPrivAnon   = 0x22 // MAP_PRIVATE|MAP_ANONYMOUS: exactly what malloc and pymalloc ask for
	mremapMayMove = 0x1
	madvDontNeed  = 0x4
	madvHugePage  = 0xe
	madvCollapse  = 0x19
	cloneFork     = 0x01200011 // CLONE_CHILD_SETTID|CLONE_CHILD_CLEARTID|SIGCHLD: glibc's fork, no other shape
	// CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|SETTLS|PARENT_SETTID|CHILD_CLEARTID: glibc's pthread_create.
	cloneThread = 0x003d0f00

	mapShared, mapPrivate = 0x1, 0x2
	mapStack              = 0x20022 // MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK
	openPath, openDirect  = 0x200000, 0x4000
	openAsync             = 0x2000
	renameWhiteout        = 0x4
	notificationPipe      = 0x80 // O_EXCL: watch_queue(7)

	fDup, fGetFD, fSetFD, fGetFL, fSetFL, fDupCloexec = 0, 1, 2, 3, 4, 1030
	fGetLock, fSetLock, fSetLockWait                  = 5, 6, 7

	familyUnix                             = 1
	msgOOB                                 = 1
	streamPair, pairCloexec, pairNonblock  = 1, 0x80001, 0x80801
	fionRead, fionBlock, fioClex, fioNClex = 0x541b, 0x5421, 0x5451, 0x5450

	prSetPdeathsig, prSetDumpable, prSetTHPDisable, sigKill = 1, 4, 41, 9

	tcgets, tiocgwinsz = 0x5401, 0x5413

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
// outer: programs, new executable code, huge pages, and paths (Landlock does not cover stat).
// This list names what is *refused*; the rest stays as outer has it.
var seal = concat(sealCode, sealPaths)

var (
	sealCode = concat(sealArch,
		calls("execve"),
		[]rule{when("mmap", arg(2, anyBit, protExec)), when("mprotect", arg(2, anyBit, protExec))},
		whenIn("madvise", 2, madvCollapse), whenIn("prctl", 0, prSetTHPDisable),
	)
	// Runs that have files keep what they are reached with.
	sealPaths = concat(sealPathsArch, calls("openat", "readlinkat", "faccessat", "getdents64", "getcwd"))
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

// files is what outer and inner have more where runs have a folder of their own and may
// read the interpreter's files. Landlock says which, of every call that opens, makes,
// renames or removes; what it has no right for (ABI 7) is here only by descriptor, which
// had to be opened: the mode, the times. Two things are left that a path alone is enough
// for: whether it is there, with what stat says of it, and where a symbolic link leads.
var files = concat(filesArch,
	// O_PATH opens what Landlock does not look at.
	[]rule{when("openat", arg(2, noBits, openPath))},
	calls("statx", "readlinkat", "faccessat", "faccessat2", "getdents64", "getcwd", "chdir", "fchdir", "umask"),
	calls("mkdirat", "unlinkat", "renameat", "linkat", "symlinkat"),
	[]rule{when("renameat2", arg(4, noBits, renameWhiteout))}, // which makes a device
	calls("ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "fstatfs"),
	// No sendfile: each byte of a page that is sent to a socket holds the whole page.
	calls("pread64", "pwrite64", "readv", "writev", "copy_file_range", "msync"),
	// Maps of files: private, or shared with the file, whose size is bounded. Shared memory
	// that is nobody's file would be in no bound.
	[]rule{
		when("mmap", arg(0, equal, 0), arg(2, noBits, protExec), arg(3, equal, mapShared)),
		when("mmap", arg(0, equal, 0), arg(2, noBits, protExec), arg(3, equal, mapPrivate)),
	},
	// Descriptors, and what asyncio waits with. F_SETFL without O_ASYNC is no signal.
	calls("dup", "dup3", "ppoll", "pselect6", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2"),
	[]rule{when("pipe2", arg(1, noBits, notificationPipe))},
	whenIn("fcntl", 1, fDup, fSetFD, fDupCloexec, fGetLock),
	// A lock on a file that others can open is a channel to them, and is in no bound. Between
	// threads of one process there is none that could conflict (fcntl(2)): so all are granted.
	// Whether somebody has one may be asked: no run has.
	instead(done, whenIn("fcntl", 1, fSetLock, fSetLockWait)),
	[]rule{when("fcntl", arg(1, equal, fSetFL), arg(2, noBits, openAsync|openDirect))},
	whenIn("ioctl", 1, tcgets, fionRead, fionBlock, fioClex, fioNClex),
	// A pair of sockets within one process: there is nobody else to name.
	[]rule{
		when("socketpair", arg(0, equal, familyUnix), arg(1, equal, streamPair)),
		when("socketpair", arg(0, equal, familyUnix), arg(1, equal, pairCloexec)),
		when("socketpair", arg(0, equal, familyUnix), arg(1, equal, pairNonblock)),
		when("sendto", arg(3, noBits, msgOOB), arg(4, equal, 0)), when("recvfrom", arg(3, noBits, msgOOB), arg(4, equal, 0)),
	},
	calls("getsockname", "shutdown"),
	[]rule{when("sched_getaffinity", arg(0, equal, thisPID))},
)

// mounted is what both have more where a run's folder stands on a mount of its own, and all
// other files are read-only: to change what stands there with a file.
var mounted = concat(calls("fchmod"), []rule{when("utimensat", arg(1, equal, 0), arg(2, moreEqual, 1))})

// volume is what they have instead where it does not. Mode and times can be seen of any file,
// and changed by whoever owns it, as the run's uid may own some of the interpreter's; the null
// device's are everybody's to set to now.
var volume = instead(done, concat(calls("fchmod"), []rule{when("utimensat", arg(1, equal, 0))}))

// filesOuter is what only outer has more then: a child says what its ruleset allows. What
// such a zygote has imported is moved to huge pages, before the seal.
var filesOuter = concat(
	calls("landlock_add_rule"),
	whenIn("madvise", 2, madvCollapse),
	// On or off, and no other shape: Linux 6.18 has one that lets a process have those it asks for.
	[]rule{when("prctl", arg(0, equal, prSetTHPDisable), arg(1, lessEqual, 1), arg(2, equal, 0))},
)

// threads is what outer and inner have more where runs may start some. RLIMIT_NPROC
// says how many.
var threads = concat(
	[]rule{
		when("clone", arg(0, equal, cloneThread)),
		when("mmap", arg(0, equal, 0), arg(2, noBits, protExec), arg(3, equal, mapStack)),
		// A stack, out of reserved memory. Not to take the right to write from a library's page
		// again that was written to: what may not be written to is in no limit (RLIMIT_DATA).
		when("mprotect", arg(2, equal, protReadWrite)),
		when("madvise", arg(2, equal, madvDontNeed)),
	},
	calls("exit", "rseq"),
	// pthread_join waits on a word of its own process as if others might wake it. A
	// shared wait is a channel to other runs (see futexOps), so it is told to look again; CPython
	// joins a thread once it is about to end.
	instead(tryAgain, whenIn("futex", 1, futexWait, futexWaitBitset, futexWaitBitset|futexClockRealtime)),
)

// Abilities are what runs of a profile can do beyond computing.
type Abilities struct {
	Files   bool `json:"files"`
	Threads bool `json:"threads"`
	Volume  bool `json:"volume"` // with files: their folder stands on no mount of their own
}

func (a Abilities) outer() []rule {
	if a.Files {
		return a.widen(concat(outer, filesOuter))
	}
	return a.widen(outer)
}

func (a Abilities) inner() []rule { return a.widen(inner) }

// noise is refused without being named: what libraries try of themselves in many programs
// and do without as well.
var noise = concat(
	[]rule{
		when("madvise", arg(2, equal, madvHugePage)), when("ioctl", arg(1, equal, tiocgwinsz)),
		when("socket", arg(0, equal, familyUnix), arg(1, equal, pairNonblock)),
	},
	calls("mbind", "sendfile"),
)

// denied is what inner refuses by itself where it leaves the other refusals to outer, to
// have them named: outer allows these, to a zygote and to a run on its way into the jail.
func (a Abilities) denied() []rule {
	given := a.inner()
	var rules []rule
	for _, r := range concat(a.outer(), noise) {
		same := func(g rule) bool { return g.name == r.name && (len(g.tests) == 0 || slices.Equal(g.tests, r.tests)) }
		if !slices.ContainsFunc(given, same) {
			r.instead = denied
			rules = append(rules, r)
		}
	}
	return rules
}

// widen is a list of what is allowed, with what these abilities need beside it.
func (a Abilities) widen(list []rule) []rule {
	var more []rule
	if a.Files {
		more = append(more, files...)
		if a.Volume {
			more = append(more, volume...)
		} else {
			more = append(more, mounted...)
		}
	}
	if a.Threads {
		more = append(more, threads...)
	}
	without := func(rules []rule, name string) bool {
		return slices.ContainsFunc(rules, func(r rule) bool { return r.name == name && len(r.tests) == 0 })
	}
	wide := slices.DeleteFunc(slices.Clone(list), func(r rule) bool { return len(r.tests) > 0 && without(more, r.name) })
	for _, r := range more {
		if !without(wide, r.name) {
			wide = append(wide, r)
		}
	}
	return wide
}

// seal is what a zygote whose runs have these abilities gives up.
func (a Abilities) seal() []rule {
	if a.Files {
		return sealCode
	}
	return seal
}

// pidPlaceholder stands in inner for the run's own pid, which the child patches
// into the program just before it installs it. No pid is ever this large.
const pidPlaceholder = 0x7ed5c0de
