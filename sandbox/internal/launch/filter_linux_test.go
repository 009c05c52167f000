package launch

import (
	"encoding/binary"
	"math/bits"
	"testing"
)

func TestFiltersAnswer(t *testing.T) {
	t.Parallel()
	filters := simulatedFilters(t, Abilities{})
	const high = 1 << 32
	for _, c := range []struct {
		filter, name string
		args         []uint64
		want         uint32
	}{
		// An interpreter starts, imports, forks and talks to its server.
		{"outer", "execve", nil, answerAllow},
		{"outer", "openat", nil, answerAllow},
		{"outer", "mmap", []uint64{0x7000, 4096, 5, 2}, answerAllow},
		{"outer", "recvmsg", nil, answerAllow},
		{"outer", "clone", []uint64{0x01200011}, answerAllow},
		{"outer", "clone", []uint64{0x01200011 | high}, answerEPERM},
		{"outer", "clone", []uint64{0x11}, answerEPERM},
		{"outer", "clone", []uint64{0x01200011 | 0x10000000}, answerEPERM}, // a user namespace
		{"outer", "clone", []uint64{0x3d0f00}, answerEPERM},                // a thread
		{"outer", "clone3", nil, answerENOSYS},
		{"outer", "prctl", []uint64{1, 9}, answerAllow},
		{"outer", "prctl", []uint64{78}, answerEPERM},   // PR_FUTEX_HASH
		{"outer", "prctl", []uint64{1, 0}, answerEPERM}, // no death with its parent
		{"outer", "prctl", []uint64{1 | high}, answerEPERM},
		{"outer", "prctl", []uint64{41, 0}, answerEPERM}, // PR_SET_THP_DISABLE: with files only
		{"outer", "kill", []uint64{1}, answerAllow},
		{"outer", "kill", []uint64{maxPID}, answerAllow},
		{"outer", "kill", []uint64{maxPID + 1}, answerEPERM},
		{"outer", "kill", []uint64{0}, answerEPERM},
		{"outer", "kill", []uint64{^uint64(0)}, answerEPERM},         // -1, everybody
		{"outer", "kill", []uint64{uint64(1<<32 - 1)}, answerEPERM},  // -1 in 32 bits
		{"outer", "kill", []uint64{^uint64(0) - 100}, answerEPERM},   // a group
		{"outer", "kill", []uint64{1 | high}, answerEPERM},           // garbage above what the kernel reads
		{"outer", "setpriority", []uint64{0, 0, 19}, answerAllow},    // itself
		{"outer", "setpriority", []uint64{0, 77, 19}, answerEPERM},   // another
		{"outer", "setpriority", []uint64{2, 0, 19}, answerEPERM},    // a user
		{"outer", "prlimit64", []uint64{0, 7}, answerAllow},          // itself
		{"outer", "prlimit64", []uint64{77, 7}, answerEPERM},         // another
		{"outer", "ioctl", []uint64{0, 0x5401}, answerAllow},         // isatty
		{"outer", "ioctl", []uint64{0, 0x5412}, answerEPERM},         // TIOCSTI
		{"outer", "madvise", []uint64{0x7000, 4096, 4}, answerAllow}, // malloc_trim
		{"outer", "mremap", []uint64{0, 1, 2, 3, 9}, answerEPERM},    // MREMAP_FIXED
		{"outer", "fcntl", []uint64{3, 8, 1}, answerEPERM},           // F_SETOWN
		{"outer", "socket", []uint64{2, 1, 0}, answerEPERM},
		{"outer", "ptrace", nil, answerEPERM},
		{"outer", "seccomp", []uint64{1, 0}, answerAllow},
		{"outer", "seccomp", []uint64{3, 0}, answerEPERM}, // SECCOMP_GET_NOTIF_SIZES
		{"outer", "seccomp", []uint64{1, 8}, answerEPERM}, // SECCOMP_FILTER_FLAG_NEW_LISTENER
		{"outer", "landlock_restrict_self", []uint64{5}, answerAllow},

		// A warm zygote gives up programs, paths and new code.
		{"seal", "execve", nil, answerEPERM},
		{"seal", "openat", nil, answerEPERM},
		{"seal", "mmap", []uint64{0, 4096, 3, 0x22}, answerAllow},
		{"seal", "mmap", []uint64{0, 4096, 7, 0x22}, answerEPERM},
		{"seal", "mprotect", []uint64{0x7000, 4096, 4}, answerEPERM},
		{"seal", "mprotect", []uint64{0x7000, 4096, 1}, answerAllow},
		{"seal", "clone", []uint64{0x01200011}, answerAllow},
		{"seal", "prctl", []uint64{41, 0}, answerEPERM}, // huge pages
		{"seal", "prctl", []uint64{41, 1}, answerEPERM},
		{"seal", "prctl", []uint64{4, 0}, answerAllow},
		{"seal", "madvise", []uint64{0, 4096, 25}, answerEPERM},
		{"seal", "madvise", []uint64{0, 4096, 4}, answerAllow},
		{"seal", "socket", nil, answerAllow}, // not the seal's business: outer refuses it

		// A run computes and writes.
		{"inner", "write", []uint64{1}, answerAllow},
		{"inner", "getrandom", nil, answerAllow},
		{"inner", "exit_group", nil, answerAllow},
		{"inner", "mmap", []uint64{0, 1 << 20, 3, 0x22, ^uint64(0), 0}, answerAllow},
		{"inner", "mmap", []uint64{0, 1 << 20, 3 | high, 0x22}, answerAllow}, // the kernel reads 64 bits of prot, of which these mean nothing
		{"inner", "mmap", []uint64{0x10000, 1 << 20, 3, 0x22}, answerEPERM},
		{"inner", "mmap", []uint64{0x10000 << 32, 1 << 20, 3, 0x22}, answerEPERM},
		{"inner", "mmap", []uint64{0, 1 << 20, 7, 0x22}, answerEPERM},
		{"inner", "mmap", []uint64{0, 1 << 20, 3, 0x02, 1}, answerEPERM},     // a file
		{"inner", "mmap", []uint64{0, 1 << 20, 3, 0x21}, answerEPERM},        // shared
		{"inner", "mmap", []uint64{0, 1 << 20, 3, 0x22 | 0x10}, answerEPERM}, // fixed
		{"inner", "mmap", []uint64{0, 1 << 20, 3, 0x22 | 0x40000}, answerEPERM},
		{"inner", "mprotect", []uint64{0x7000, 4096, 4}, answerEPERM},
		{"inner", "mremap", []uint64{0x7000, 1, 2, 1}, answerAllow},
		{"inner", "mremap", []uint64{0x7000, 1, 2, 0}, answerEPERM},
		{"inner", "mremap", []uint64{0x7000, 1, 2, 3, 0x9000}, answerEPERM}, // MREMAP_FIXED
		{"inner", "madvise", []uint64{0x7000, 4096, 4}, answerEPERM},        // MADV_DONTNEED
		{"inner", "madvise", []uint64{0x7000, 4096, 14}, answerEPERM},       // huge pages
		{"inner", "clock_gettime", []uint64{2}, answerAllow},
		{"inner", "clock_gettime", []uint64{^uint64(5)}, answerEPERM},       // our own, as a process; -6
		{"inner", "clock_gettime", []uint64{0xfffffffa}, answerEPERM},       // the same to the kernel, which reads 32 bits
		{"inner", "clock_gettime", []uint64{2 | high}, answerEPERM},         // harmless, and nobody's
		{"outer", "clock_nanosleep", []uint64{^uint64(21), 1}, answerEPERM}, // pid 2's
		{"inner", "futex", []uint64{0x7000, 128}, answerAllow},
		{"inner", "futex", []uint64{0x7000, 6}, answerEPERM}, // priority inheritance
		{"inner", "futex", []uint64{0x7000, 128 | high}, answerEPERM},
		{"inner", "fcntl", []uint64{1, 3}, answerAllow},
		{"inner", "fcntl", []uint64{1, 4, 0x2000}, answerEPERM}, // O_ASYNC
		{"inner", "fcntl", []uint64{1, 8, 1}, answerEPERM},      // F_SETOWN
		{"inner", "fcntl", []uint64{1, 10, 9}, answerEPERM},     // F_SETSIG
		{"inner", "fcntl", []uint64{1, 1031, 1 << 20}, answerEPERM},
		{"inner", "clone", []uint64{0x01200011}, answerEPERM},
		{"inner", "clone3", nil, answerENOSYS},
		{"inner", "prctl", []uint64{1}, answerEPERM},
		{"inner", "prctl", []uint64{4, 1}, answerEPERM}, // dumpable again
		{"inner", "openat", nil, answerEPERM},
		{"inner", "kill", []uint64{1, 9}, answerEPERM},
		{"inner", "setpriority", []uint64{0, 0}, answerEPERM},
		{"inner", "prlimit64", []uint64{0}, answerEPERM},
		{"inner", "landlock_restrict_self", nil, answerEPERM},
		{"inner", "seccomp", []uint64{1}, answerEPERM},
	} {
		if got := filters[c.filter].answer(t, native(t, c.name, c.args...)); got != c.want {
			t.Errorf("%s: %s%#x: %#x, want %#x", c.filter, c.name, c.args, got, c.want)
		}
	}
}

// Where runs have files, outer asks about what it refuses, and no other filter of a run
// has a say in that which the kernel would prefer; what outer allows, the others refuse.
func TestFiltersAskWhatOuterRefuses(t *testing.T) {
	t.Parallel()
	filters := simulatedFilters(t, Abilities{Files: true, Threads: true})
	for _, c := range []struct {
		name string
		args []uint64
		want uint32
	}{
		{"write", []uint64{1}, answerAllow},
		{"prctl", []uint64{41, 0}, answerEPERM},         // PR_SET_THP_DISABLE, which a zygote does
		{"prctl", []uint64{41, 1, 2}, answerEPERM},      // PR_THP_DISABLE_EXCEPT_ADVISED
		{"madvise", []uint64{0, 4096, 25}, answerEPERM}, // MADV_COLLAPSE, which a zygote does
		{"socket", []uint64{2, 1, 0}, answerAsk},
		{"clone", []uint64{0x4111}, answerAsk},       // vfork by another name
		{"clone", []uint64{0x11}, answerAsk},         // workplace.py's os.fork
		{"clone", []uint64{0x01200011}, answerEPERM}, // fork, which a zygote does
		{"clone", []uint64{0x3d0f00}, answerAllow},   // a thread
		{"ioctl", []uint64{1, 0x5412}, answerAsk},    // TIOCSTI
		{"mmap", []uint64{0, 4096, 7, 0x22}, answerEPERM},
		{"mprotect", []uint64{0x7000, 4096, 3}, answerAllow},
		{"mprotect", []uint64{0x7000, 4096, 1}, answerEPERM}, // what was written to and can't be is in no limit
		{"renameat2", []uint64{0, 0, 0, 0, 2}, answerAllow},  // RENAME_EXCHANGE
		{"renameat2", []uint64{0, 0, 0, 0, 4}, answerAsk},    // RENAME_WHITEOUT
		{"pipe2", []uint64{0, 0x80000}, answerAllow},         // O_CLOEXEC
		{"pipe2", []uint64{0, 0x80}, answerAsk},              // O_NOTIFICATION_PIPE
		{"fchmod", []uint64{5, 0o600}, answerAllow},
		{"utimensat", []uint64{5, 0, 0x7000}, answerAllow},
		{"utimensat", []uint64{5, 0, 0}, answerAsk},           // to now
		{"utimensat", []uint64{5, 0x7000, 0x7000}, answerAsk}, // by a path
		{"execve", nil, answerEPERM},
		{"sendmsg", nil, answerEPERM},
		{"futex", []uint64{0x7000, 0}, answerEAGAIN},
		{"clone3", nil, answerENOSYS},
		{"seccomp", []uint64{1, 0}, answerEPERM},
		{"seccomp", []uint64{1, 8}, answerAsk}, // a listener of its own
		// Noise.
		{"mbind", nil, answerEPERM},
		{"madvise", []uint64{0, 4096, 14}, answerEPERM},
		{"set_robust_list", []uint64{0, 24}, answerEPERM},
	} {
		var answers []uint32
		for _, name := range []string{"outer that asks", "seal", "inner"} {
			answers = append(answers, filters[name].answer(t, native(t, c.name, c.args...)))
		}
		if got := severest(answers); got != c.want {
			t.Errorf("%s%#x: %#x of %#x, want %#x", c.name, c.args, got, answers, c.want)
		}
	}
}

// Beside a volume no file's mode or time is changed.
func TestFiltersBesideAVolume(t *testing.T) {
	t.Parallel()
	filters := simulatedFilters(t, Abilities{Files: true, Threads: true, Volume: true})
	for _, name := range []string{"outer that asks", "outer", "inner"} {
		for _, c := range []call{native(t, "fchmod", 5, 0o600), native(t, "utimensat", 5, 0, 0), native(t, "utimensat", 5, 0, 0x7000)} {
			if got := filters[name].answer(t, c); got != answerDone {
				t.Errorf("%s: %+v: %#x, want %#x", name, c, got, answerDone)
			}
		}
	}
}

// Minimal's filters do not ask.
func TestFiltersWithoutFilesDoNotAsk(t *testing.T) {
	t.Parallel()
	for _, threads := range []bool{false, true} {
		f, err := NewFilters(Abilities{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		if f.Asking != nil {
			t.Errorf("threads %t: a filter that asks", threads)
		}
		for _, p := range []Program{f.Outer, f.Seal, f.Inner} {
			for at := 0; at < len(p); at += 8 {
				answer := binary.NativeEndian.Uint32(p[at+4:])
				if binary.NativeEndian.Uint16(p[at:]) == 6 && (answer == answerAsk || answer&0xffff0000 == answerTrace) { // BPF_RET
					t.Errorf("threads %t: instruction %d answers %#x", threads, at/8, answer)
				}
			}
		}
	}
}

// A refused argument that happens to be the number of another call must not be
// judged as that call: in neither half, at no position, for no rule.
func TestRefusedArgumentIsNoNumber(t *testing.T) {
	t.Parallel()
	for name, f := range simulatedFilters(t, Abilities{}) {
		for nr, rules := range f.rules {
			for _, r := range rules {
				if len(r.tests) == 0 {
					continue
				}
				for other, judged := range f.rules {
					for _, value := range []uint64{uint64(other), uint64(other) << 32} {
						for position := range 6 {
							for _, rest := range [][6]uint64{{}, satisfying(r), satisfying(judged[0])} {
								c := call{nr, auditArch, rest}
								c.args[position] = value
								if got, want := f.answer(t, c), f.want(c); got != want {
									t.Fatalf("%s: %s%#x: %#x, want %#x: judged as number %d", name, r.name, c.args, got, want, other)
								}
							}
						}
					}
				}
			}
		}
	}
}

// satisfying are arguments for which the rule holds, as far as one test each says.
func satisfying(r rule) (args [6]uint64) {
	for _, a := range r.tests {
		if a.op != noBits {
			args[a.arg] = a.value
		}
	}
	return args
}

func TestRunMaySignalOnlyItself(t *testing.T) {
	t.Parallel()
	f, err := NewFilters(Abilities{})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Outer.PIDOffsets())+len(f.Seal.PIDOffsets()) != 0 {
		t.Error("a pid is to be patched into a filter of the zygote's")
	}
	offsets := f.Inner.PIDOffsets()
	if len(offsets) != 2 {
		t.Fatalf("%d places for the pid, want 2: kill and tgkill", len(offsets))
	}
	const pid = 4711
	for _, at := range offsets {
		binary.NativeEndian.PutUint32(f.Inner[at:], pid)
	}
	inner := simulate(t, f.Inner)
	for _, name := range []string{"kill", "tgkill"} {
		for _, target := range []uint64{0, 1, pid - 1, pid + 1, pidPlaceholder, 1 << 32, pid | 1<<32, pid | 1<<63, ^uint64(0), ^uint64(pid) + 1, pid << 32} {
			if got := inner.answer(t, native(t, name, target, 9)); got != answerEPERM {
				t.Errorf("%s(%#x): %#x, want EPERM", name, target, got)
			}
		}
		if got := inner.answer(t, native(t, name, pid, 15)); got != answerAllow {
			t.Errorf("%s of its own pid: %#x, want it allowed", name, got)
		}
	}
	if bits.Len(uint(maxPID)) >= bits.Len(uint(pidPlaceholder)) {
		t.Error("the placeholder may be a pid")
	}
}
