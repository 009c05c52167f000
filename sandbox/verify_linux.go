package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// verify looks at a warm zygote from outside: what launch and zygote said they
// did must be what the kernel says of them (proc_pid_status(5)).
func verify(pid int, p plan) error {
	fail := func(format string, args ...any) error {
		return &SetupError{"verify", fmt.Errorf(format, args...)}
	}
	// Before anything depends on it: whoever can't kill a run must not start one.
	if err := unix.Kill(pid, 0); err != nil {
		return fail("this server can't signal its own runs (%w): give it CAP_KILL, or start it as an ordinary user", err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return fail("can't read what the kernel says of the zygote: %w", err)
	}
	status := parseStatus(string(text))
	none := strings.Repeat("0", 16)
	for _, want := range []struct{ field, value string }{
		{"Uid", ids(p.uid)},
		{"Gid", ids(p.gid)},
		{"CapInh", none},
		{"CapPrm", none},
		{"CapEff", none},
		{"CapAmb", none},
		{"NoNewPrivs", "1"},
		{"Seccomp", "2"}, // SECCOMP_MODE_FILTER
		{"Threads", "1"},
		{"THP_enabled", "0"}, // of a run, which inherits it, too
	} {
		if got, ok := status[want.field]; ok && got != want.value {
			return fail("%s of the zygote is %q, not %q", want.field, got, want.value)
		}
	}
	// Of a kernel that counts filters (Linux 5.9): what we have, the outer one, the seal.
	if got, ok := status["Seccomp_filters"]; ok {
		own, err := ownFilters()
		if err != nil {
			return fail("%w", err)
		}
		if got != strconv.Itoa(own+2) {
			return fail("the zygote has %s seccomp filters, not %d", got, own+2)
		}
	}
	return nil
}

// ownFilters is how many seccomp filters this server itself stands under.
func ownFilters() (int, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(parseStatus(string(text))["Seccomp_filters"])
}

// parseStatus splits the text of /proc/PID/status; runs of blanks become one tab.
func parseStatus(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.Join(strings.Fields(value), "\t")
		}
	}
	return fields
}

// ids is how status shows the four ids of a process that all are id.
func ids(id int) string {
	s := strconv.Itoa(id)
	return strings.Join([]string{s, s, s, s}, "\t")
}
