//go:build linux

package launch

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// callsTable is the document that gives a reason for each call. It is held to
// calls.go in both directions, and the assembled filters are held to it.
const callsTable = "../../../docs/calls.md"

// A documented row: a call, one of the lists that have it, and the rule, in words.
type documented struct {
	call, list, arguments string
}

// architectures have a file of their own beside calls.go.
var architectures = []string{"amd64", "arm64"}

// documentedLists are those of calls.go. What files and threads have is added to outer
// and inner for runs with that ability; files leaves out of the seal what they both name.
// noise is refused by inner.
var documentedLists = []string{"outer", "seal", "inner", "files", "mounted", "volume", "files outer", "threads", "noise"}

// documentedRows reads the tables of docs/calls.md as one architecture has them.
func documentedRows(t testing.TB, goarch string) []documented {
	t.Helper()
	text, err := os.ReadFile(callsTable)
	if err != nil {
		t.Fatal(err)
	}
	var rows []documented
	inTable := false
	for n, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			inTable = false
			continue
		case slices.Equal(cells, []string{"call", "where", "arguments", "why"}):
			inTable = true
			continue
		case !inTable || strings.HasPrefix(line, "|--"):
			continue
		}
		if len(cells) != 4 || slices.Contains(cells, "") {
			t.Fatalf("%s:%d: want four cells, each with something in it: %s", callsTable, n+1, line)
		}
		name, only, _ := strings.Cut(cells[0], " ")
		only = strings.Trim(only, "()")
		if only != "" && !slices.Contains(architectures, only) {
			t.Fatalf("%s:%d: %q is no architecture with a list", callsTable, n+1, only)
		}
		if only != "" && only != goarch {
			continue
		}
		for list := range strings.SplitSeq(cells[1], ", ") {
			if !slices.Contains(documentedLists, list) {
				t.Fatalf("%s:%d: there is no list %q", callsTable, n+1, list)
			}
			for rule := range strings.SplitSeq(cells[2], "; ") {
				rows = append(rows, documented{strings.Trim(name, "`"), list, rule})
			}
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s: found no table: this test proves nothing", callsTable)
	}
	return rows
}

// listsOf are outer, seal and inner as the given architecture has them: what is
// compiled in, with this one's own names exchanged for those of its file.
func listsOf(t testing.TB, goarch string) map[string][]rule {
	t.Helper()
	native, theirs := namesByList(t, "calls_"+runtime.GOARCH+".go"), namesByList(t, "calls_"+goarch+".go")
	exchanged := func(rules []rule, vars ...string) (all []rule) {
		for _, v := range vars {
			all = append(all, calls(theirs[v]...)...)
		}
		for _, r := range rules {
			ours := func(v string) bool { return slices.Contains(native[v], r.name) }
			if !slices.ContainsFunc(vars, ours) {
				all = append(all, r)
			}
		}
		return all
	}
	return map[string][]rule{
		"outer": exchanged(outer, "commonArch", "outerArch"),
		"seal":  exchanged(seal, "sealArch", "sealPathsArch"),
		"inner": exchanged(inner, "commonArch"),

		"files": exchanged(files, "filesArch"), "mounted": mounted, "volume": volume, "files outer": filesOuter, "threads": threads,
		"noise": noise,
	}
}

// parameters are the names of a call's arguments, from its manual page.
var parameters = map[string][]string{
	"clock_getres":      {"clockid"},
	"clock_gettime":     {"clockid"},
	"clock_nanosleep":   {"clockid"},
	"clone":             {"flags"},
	"fcntl":             {"fd", "cmd", "arg"},
	"openat":            {"dirfd", "path", "flags"},
	"pipe2":             {"pipefd", "flags"},
	"renameat2":         {"olddirfd", "oldpath", "newdirfd", "newpath", "flags"},
	"recvfrom":          {"fd", "buf", "size", "flags", "address"},
	"sched_getaffinity": {"pid"},
	"sendto":            {"fd", "buf", "size", "flags", "address"},
	"socket":            {"domain", "type"},
	"socketpair":        {"domain", "type"},
	"utimensat":         {"dirfd", "path", "times"},
	"futex":             {"uaddr", "futex_op"},
	"ioctl":             {"fd", "op"},
	"kill":              {"pid"},
	"madvise":           {"addr", "length", "advice"},
	"mmap":              {"addr", "length", "prot", "flags"},
	"mprotect":          {"addr", "size", "prot"},
	"mremap":            {"old_address", "old_size", "new_size", "flags"},
	"prctl":             {"op", "arg2", "arg3"},
	"prlimit64":         {"pid"},
	"seccomp":           {"operation", "flags"},
	"setpriority":       {"which", "who"},
	"tgkill":            {"tgid"},
}

// spellings are what the kernel's headers call a value, by call and parameter.
// The numbers are x/sys's own, not those of calls.go.
var spellings = map[string]map[uint64]string{
	"clone flags": {
		unix.CLONE_CHILD_SETTID | unix.CLONE_CHILD_CLEARTID | uint64(unix.SIGCHLD): "CLONE_CHILD_SETTID+CLONE_CHILD_CLEARTID+SIGCHLD",
		unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_SYSVSEM |
			unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID: "pthread_create's",
	},
	"fcntl cmd": {
		unix.F_GETFD: "F_GETFD", unix.F_SETFD: "F_SETFD", unix.F_GETFL: "F_GETFL", unix.F_DUPFD_CLOEXEC: "F_DUPFD_CLOEXEC",
		unix.F_DUPFD: "F_DUPFD", unix.F_SETFL: "F_SETFL", unix.F_GETLK: "F_GETLK", unix.F_SETLK: "F_SETLK", unix.F_SETLKW: "F_SETLKW",
	},
	"fcntl arg":             {unix.O_ASYNC | unix.O_DIRECT: "O_ASYNC and O_DIRECT"},
	"openat flags":          {unix.O_PATH: "O_PATH"},
	"pipe2 flags":           {unix.O_EXCL: "O_NOTIFICATION_PIPE"}, // linux/watch_queue.h
	"renameat2 flags":       {unix.RENAME_WHITEOUT: "RENAME_WHITEOUT"},
	"recvfrom address":      {0: "NULL"},
	"sendto address":        {0: "NULL"},
	"sched_getaffinity pid": {0: "0"},
	"socket domain":         {unix.AF_UNIX: "AF_UNIX"},
	"socket type":           {unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK: "SOCK_STREAM+SOCK_CLOEXEC+SOCK_NONBLOCK"},
	"socketpair domain":     {unix.AF_UNIX: "AF_UNIX"},
	"socketpair type": {
		unix.SOCK_STREAM: "SOCK_STREAM", unix.SOCK_STREAM | unix.SOCK_CLOEXEC: "SOCK_STREAM+SOCK_CLOEXEC",
		unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK: "SOCK_STREAM+SOCK_CLOEXEC+SOCK_NONBLOCK",
	},
	"sendto flags":    {unix.MSG_OOB: "MSG_OOB"},
	"recvfrom flags":  {unix.MSG_OOB: "MSG_OOB"},
	"utimensat times": {1: "1"},
	"utimensat path":  {0: "NULL"},
	// linux/futex.h, which x/sys does not have.
	"futex futex_op": {
		0 | 128: "FUTEX_WAIT_PRIVATE", 1 | 128: "FUTEX_WAKE_PRIVATE", 9 | 128: "FUTEX_WAIT_BITSET_PRIVATE",
		9 | 128 | 256: "FUTEX_WAIT_BITSET_PRIVATE+FUTEX_CLOCK_REALTIME",
		0:             "FUTEX_WAIT", 9: "FUTEX_WAIT_BITSET", 9 | 256: "FUTEX_WAIT_BITSET+FUTEX_CLOCK_REALTIME",
	},
	"clock_getres clockid":    {unix.CLOCK_TAI: "CLOCK_TAI"},
	"clock_gettime clockid":   {unix.CLOCK_TAI: "CLOCK_TAI"},
	"clock_nanosleep clockid": {unix.CLOCK_TAI: "CLOCK_TAI"},
	"ioctl op":                {unix.TCGETS: "TCGETS", unix.TIOCGWINSZ: "TIOCGWINSZ", 0x541b: "FIONREAD", 0x5421: "FIONBIO", 0x5451: "FIOCLEX", 0x5450: "FIONCLEX"}, // asm-generic/ioctls.h
	"kill pid":                {pidPlaceholder: "its own", 1: "1", 4 << 20: "PID_MAX_LIMIT"},
	"tgkill tgid":             {pidPlaceholder: "its own"},
	"madvise advice":          {unix.MADV_DONTNEED: "MADV_DONTNEED", unix.MADV_HUGEPAGE: "MADV_HUGEPAGE", unix.MADV_COLLAPSE: "MADV_COLLAPSE"},
	"mmap addr":               {0: "0"},
	"mmap prot":               {unix.PROT_EXEC: "PROT_EXEC"},
	"mmap flags": {
		unix.MAP_PRIVATE | unix.MAP_ANONYMOUS: "MAP_PRIVATE+MAP_ANONYMOUS", unix.MAP_SHARED: "MAP_SHARED", unix.MAP_PRIVATE: "MAP_PRIVATE",
		unix.MAP_PRIVATE | unix.MAP_ANONYMOUS | unix.MAP_STACK: "MAP_PRIVATE+MAP_ANONYMOUS+MAP_STACK",
	},
	"mprotect prot":     {unix.PROT_EXEC: "PROT_EXEC", unix.PROT_READ | unix.PROT_WRITE: "PROT_READ+PROT_WRITE"},
	"mremap flags":      {unix.MREMAP_MAYMOVE: "MREMAP_MAYMOVE"},
	"prctl op":          {unix.PR_SET_PDEATHSIG: "PR_SET_PDEATHSIG", unix.PR_SET_DUMPABLE: "PR_SET_DUMPABLE", unix.PR_SET_THP_DISABLE: "PR_SET_THP_DISABLE"},
	"prctl arg2":        {0: "0", 1: "1", uint64(unix.SIGKILL): "SIGKILL"},
	"prctl arg3":        {0: "0"},
	"prlimit64 pid":     {0: "0"},
	"seccomp operation": {unix.SECCOMP_SET_MODE_FILTER: "SECCOMP_SET_MODE_FILTER"},
	"seccomp flags":     {0: "0"},
	"setpriority which": {unix.PRIO_PROCESS: "PRIO_PROCESS"},
	"setpriority who":   {0: "0"},
}

var opWords = map[argOp]string{equal: "=", lessEqual: "<=", moreEqual: ">=", anyBit: "has", noBits: "without"}

// inWords writes a rule as the document has it. A value without a spelling is
// written as a number, and so agrees with no document.
func (r rule) inWords() string {
	words := make([]string, 0, len(r.tests))
	for _, a := range r.tests {
		parameter := fmt.Sprint("argument ", a.arg)
		if known := parameters[r.name]; int(a.arg) < len(known) {
			parameter = known[a.arg]
		}
		value, ok := spellings[r.name+" "+parameter][a.value]
		if !ok {
			value = fmt.Sprintf("%#x", a.value)
		}
		words = append(words, fmt.Sprintf("%s %s %s", parameter, opWords[a.op], value))
	}
	switch r.instead {
	case tryAgain:
		words = append(words, "answered EAGAIN")
	case done:
		words = append(words, "answered 0")
	}
	return cmp.Or(strings.Join(words, ", "), "any")
}

// The document and calls.go have the same calls, in the same places, with the
// same arguments: neither has one that the other lacks.
func TestDocumentHasEveryCall(t *testing.T) {
	t.Parallel()
	for _, goarch := range architectures {
		t.Run(goarch, func(t *testing.T) {
			t.Parallel()
			said := map[documented]int{}
			for _, row := range documentedRows(t, goarch) {
				said[row]++
			}
			given := map[documented]int{}
			for list, rules := range listsOf(t, goarch) {
				for _, r := range rules {
					given[documented{r.name, list, r.inWords()}]++
				}
			}
			for row, n := range given {
				if said[row] != n {
					t.Errorf("%s has %s (%s) in %s: want it once in %s, it is there %d times", "calls.go", row.call, row.arguments, row.list, callsTable, said[row])
				}
			}
			for row := range maps.Keys(said) {
				if given[row] == 0 {
					t.Errorf("%s has %s (%s) in %s, calls.go does not", callsTable, row.call, row.arguments, row.list)
				}
			}
		})
	}
}

// A rule whose argument the document can't name would slip through as "any".
func TestRulesInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule rule
		want string
	}{
		{when("read"), "any"},
		{when("mmap", arg(0, equal, 0), arg(2, noBits, 4)), "addr = 0, prot without PROT_EXEC"},
		{when("fcntl", arg(1, equal, 9)), "cmd = 0x9"},
		{when("fcntl", arg(3, equal, 4)), "argument 3 = 0x4"},
		{when("read", arg(0, lessEqual, 2)), "argument 0 <= 0x2"},
	} {
		if got := c.rule.inWords(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
