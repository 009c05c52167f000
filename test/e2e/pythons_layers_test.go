//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// scopeABI is the first Landlock that has scopes: Linux 6.12 (landlock(7)).
const scopeABI = 6

// checkLayers fails the test when the server reports a layer that can't be seen
// from outside, or fails to report one that can: at its zygote, and at the run
// that is parked there. The memory line is the one that nobody outside can see.
// Only root can look.
func checkLayers(t *testing.T, s *cell.Server, hidden []string, layers []cell.Layer) {
	t.Helper()
	requireRoot(t)
	filters := func(status map[string]string) int {
		n, err := strconv.Atoi(status["Seccomp_filters"])
		if err != nil {
			t.Fatalf("want a kernel that counts filters, from Linux 5.9 on: %v", err)
		}
		return n
	}
	z := zygote(t, s)
	var run cell.Proc
	var server, outer, inner map[string]string
	eventually(t, 10*time.Second, func() error {
		children, err := cell.Descendants(z.PID)
		if err != nil {
			return err
		}
		if len(children) != 1 {
			return fmt.Errorf("the zygote has %v, want one parked run", children)
		}
		run = children[0]
		server, outer, inner = status(t, s.Proc.PID), status(t, z.PID), status(t, run.PID)
		// The filter is the last that a run puts on.
		if filters(inner) == filters(outer) {
			return fmt.Errorf("the parked run has no filter of its own: %v", inner)
		}
		return nil
	})
	noCapability := func(status map[string]string) bool {
		const none = "0000000000000000"
		return status["CapInh"] == none && status["CapPrm"] == none && status["CapEff"] == none && status["CapAmb"] == none
	}
	seen := map[string]bool{
		"uid":          outer["Uid"] != server["Uid"] && !strings.HasPrefix(outer["Uid"], "0\t") && inner["Uid"] == outer["Uid"],
		"capabilities": noCapability(outer) && noCapability(inner),
		"no_new_privs": outer["NoNewPrivs"] == "1" && inner["NoNewPrivs"] == "1",
		// outer and seal on top of what the server has, and inner on top of that.
		"seccomp":        filters(outer) == filters(server)+2 && filters(inner) == filters(server)+3,
		"rlimits":        limited(t, z.PID) && limited(t, run.PID, "Max open files", "16", "Max file size", "0", "Max pending signals", "0"),
		"non_dumpable":   ownedByRoot(t, s.Proc.PID) && ownedByRoot(t, z.PID) && ownedByRoot(t, run.PID),
		"landlock":       landlockABI() >= 1 && !slices.Contains(hidden, "landlock"),
		"landlock_scope": landlockABI() >= scopeABI && !slices.Contains(hidden, "landlock"),
	}
	for layer, name := range map[string]string{
		"namespace_user": "user", "namespace_pid": "pid", "namespace_net": "net",
		"namespace_ipc": "ipc", "namespace_uts": "uts", "namespace_mount": "mnt",
	} {
		seen[layer] = namespace(t, z.PID, name) != namespace(t, s.Proc.PID, name)
	}
	for _, l := range layers {
		if l.Layer == "memory_line" {
			continue
		}
		there, known := seen[l.Layer]
		delete(seen, l.Layer)
		if !known {
			t.Errorf("%s is reported, and this test does not know how to see it", l.Layer)
		} else if there != (l.State == "active") {
			t.Errorf("%s is %s (%s), from outside: there %t\nserver %v\nzygote %v\nrun    %v", l.Layer, l.State, l.Detail, there, server, outer, inner)
		}
	}
	for layer := range seen {
		t.Errorf("%s is not reported", layer)
	}
}

// status reads /proc/PID/status.
func status(t *testing.T, pid int) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for line := range strings.Lines(procFile(t, pid, "status")) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains([]string{
			"Uid", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters",
		}, name) {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

// limited says whether a process has the limits that are every zygote's and run's,
// and these, soft and hard, by the names that /proc gives them.
func limited(t *testing.T, pid int, more ...string) bool {
	t.Helper()
	limits := map[string]string{}
	for line := range strings.Lines(procFile(t, pid, "limits")) {
		if len(line) > 26 { // the name's column
			limits[strings.TrimSpace(line[:26])] = strings.Join(strings.Fields(line[26:])[:2], " ")
		}
	}
	for pair := range slices.Chunk(append(more, "Max core file size", "0", "Max locked memory", "0"), 2) {
		if limits[pair[0]] != pair[1]+" "+pair[1] {
			return false
		}
	}
	return true
}

func procFile(t *testing.T, pid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func namespace(t *testing.T, pid int, name string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// ownedByRoot says whether a process is not dumpable or is root's: the files of
// either belong to root (proc(5)).
func ownedByRoot(t *testing.T, pid int) bool {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// landlockABI asks the kernel; 0 is none.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}
