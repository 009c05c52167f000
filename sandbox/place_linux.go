package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// checkPlace refuses a place in which the server would fail later, with a caller
// waiting, or right away but for a reason that helps nobody. The error says what is
// missing, why it matters and what to do. Slots and clients (connections that the
// caller may have open) are as many as there may be at once.
func checkPlace(slots, clients int) error {
	if err := checkProc("/proc"); err != nil {
		return err
	}
	if err := checkNull(os.DevNull); err != nil {
		return err
	}
	return checkLimits(slots, clients, func(what int) (now unix.Rlimit, err error) {
		err = unix.Getrlimit(what, &now)
		return now, err
	})
}

// checkProc: a zygote's jail is looked at in /proc, its memory is read there, and
// oom_score_adj is written.
func checkProc(proc string) error {
	self, err := os.Readlink(proc + "/self")
	switch {
	case err != nil:
		return fmt.Errorf("sandbox: %s is not mounted, or not for this PID namespace (%w): without it nobody can look from outside at the jail of a run, or measure it. "+
			"Mount it (mount -t proc proc %[1]s); container runtimes do unless told not to", proc, err)
	case self != strconv.Itoa(os.Getpid()):
		return fmt.Errorf("sandbox: %s is another PID namespace's (%s/self is %s, this process is %d): the processes in it are not ours. "+
			"Mount one in the namespace that the server runs in (unshare --pid --mount-proc does)", proc, proc, self, os.Getpid())
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(proc, &fs); err != nil {
		return fmt.Errorf("sandbox: %s: %w", proc, err)
	}
	if fs.Flags&unix.ST_RDONLY != 0 {
		return fmt.Errorf("sandbox: %s is mounted read-only: a run could not be made the first that the kernel kills when memory is short (oom_score_adj). "+
			"Mount it writable; what is in it stays as protected as it is", proc)
	}
	if _, err := os.Stat(proc + "/meminfo"); err != nil {
		return fmt.Errorf("sandbox: %s has no meminfo (%w), as if mounted with subset=pid: nobody could say how much memory there is. Mount it without that option", proc, err)
	}
	return nil
}

// checkNull: an interpreter that is asked what it is has it as its input.
func checkNull(name string) error {
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFCHR || unix.Major(uint64(st.Rdev)) != 1 || unix.Minor(uint64(st.Rdev)) != 3) { //nolint:unconvert // its width depends on the architecture
		err = errors.New("it is not the null device")
	}
	if err != nil {
		return fmt.Errorf("sandbox: %s: %w: an interpreter that is asked what it is has it as its input. Container runtimes make one; by hand: mknod -m 666 %[1]s c 1 3", name, err)
	}
	return nil
}

// What the server needs of its own resource limits (getrlimit(2)). Each is what was
// measured with room to spare.
const (
	baseFiles = 64 // streams, cgroup and /proc files, poller, two zygotes; 28 with one run
	slotFiles = 14 // a run's streams at both ends, its pidfd and meter

	baseProcesses = 32 // Go's threads, 10 with two processors, and two zygotes
	slotProcesses = 2  // a run, and one that is parked or of a retiring zygote

	fileSize = 64 << 20 // of the library in memory, 3 MiB; limits count for it too
)

// checkLimits: Go has raised the soft limit of descriptors to the hard one.
func checkLimits(slots, clients int, get func(what int) (unix.Rlimit, error)) error {
	for _, l := range []struct {
		what  int
		name  string
		least uint64
		why   string
	}{
		{
			unix.RLIMIT_NOFILE, "RLIMIT_NOFILE (ulimit -n)", uint64(baseFiles + slotFiles*slots + clients),
			fmt.Sprintf("%d connections and %d runs at once would use it up, and then no run can start", clients, slots),
		},
		{
			unix.RLIMIT_NPROC, "RLIMIT_NPROC (ulimit -u)", uint64(baseProcesses + slotProcesses*slots + runtime.GOMAXPROCS(0)),
			"threads count too, and a server that is refused one dies",
		},
		{unix.RLIMIT_FSIZE, "RLIMIT_FSIZE (ulimit -f), in bytes,", fileSize, "the sources of the standard library are kept in a file in memory"},
		{unix.RLIMIT_CPU, "RLIMIT_CPU (ulimit -t)", unix.RLIM_INFINITY, "the server would be killed once it has used that many seconds, and no run could have a limit of its own"},
	} {
		now, err := get(l.what)
		if err != nil {
			return fmt.Errorf("sandbox: %s: %w", l.name, err)
		}
		if now.Cur < l.least {
			return fmt.Errorf("sandbox: %s is %d, want %s: %s. Raise it where the server is started", l.name, now.Cur, atLeast(l.least), l.why)
		}
	}
	return nil
}

func atLeast(limit uint64) string {
	if limit == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return fmt.Sprintf("at least %d", limit)
}
