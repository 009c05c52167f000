//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// of reads a file of a process's directory in /proc; for most, root is wanted.
func of(t *testing.T, pid int, file string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// limitOf are the soft and the hard limit of one row of /proc/PID/limits.
func limitOf(t *testing.T, pid int, row string) (soft, hard string) {
	t.Helper()
	for line := range strings.Lines(of(t, pid, "limits")) {
		if rest, ok := strings.CutPrefix(line, row+" "); ok {
			if f := strings.Fields(rest); len(f) >= 2 {
				return f[0], f[1]
			}
		}
	}
	t.Fatalf("no %q in limits", row)
	return "", ""
}

func wantLimits(t *testing.T, pid int, limits map[string]string) {
	t.Helper()
	for row, want := range limits {
		if soft, hard := limitOf(t, pid, row); soft != want || hard != want {
			t.Errorf("%s: %s, %s; want %s", row, soft, hard, want)
		}
	}
}

// openIn are the descriptors of a process, as "number target" without inode numbers.
func openIn(t *testing.T, pid int) (open []string) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(target, ":[")
		open = append(open, e.Name()+" "+kind)
	}
	slices.Sort(open)
	return open
}

// robustListOf is where a process has its list of robust futexes, 0 if it has none;
// see get_robust_list(2).
func robustListOf(t *testing.T, pid int) (head uintptr) {
	t.Helper()
	var size uintptr
	_, _, errno := unix.Syscall(unix.SYS_GET_ROBUST_LIST, uintptr(pid), uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&size)))
	if errno != 0 {
		t.Fatal(errno)
	}
	return head
}

func namespaceOf(t *testing.T, pid int, name string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// wantJail looks at a zygote of the server from outside, as root, and compares
// what the kernel says with what must be and with what the server reports.
func wantJail(t *testing.T, server, zygote int, layers []Layer) {
	t.Helper()
	state := map[string]LayerState{}
	for _, l := range layers {
		state[l.Name] = l.State
	}
	ours, status := parseStatus(of(t, server, "status")), parseStatus(of(t, zygote, "status"))
	none := strings.Repeat("0", 16)
	fields := map[string]string{
		"NoNewPrivs": "1", "Seccomp": "2", "Threads": "1", "Groups": "",
		"CapInh": none, "CapPrm": none, "CapEff": none, "CapAmb": none,
	}
	if state["uid"] == LayerActive {
		fields["Uid"], fields["Gid"], fields["CapBnd"] = ids(runUID), ids(runGID), none
	} else {
		fields["Uid"], fields["Gid"] = ours["Uid"], ours["Gid"]
	}
	for field, value := range fields {
		if got, ok := status[field]; !ok || got != value {
			t.Errorf("%s is %q, want %q", field, got, value)
		}
	}
	if status["Uid"] == ids(0) {
		t.Error("the zygote is root")
	}
	var filters [2]int
	for i, text := range []string{ours["Seccomp_filters"], status["Seccomp_filters"]} {
		if _, err := fmt.Sscan(text, &filters[i]); err != nil {
			t.Skipf("want a kernel that counts seccomp filters, have one that says %q", text)
		}
	}
	if filters[1] != filters[0]+2 {
		t.Errorf("%d seccomp filters on a server with %d, want outer and seal", filters[1], filters[0])
	}
	for layer, name := range map[string]string{
		"namespace_user": "user", "namespace_pid": "pid", "namespace_net": "net",
		"namespace_ipc": "ipc", "namespace_uts": "uts", "namespace_mount": "mnt",
	} {
		own := namespaceOf(t, zygote, name) != namespaceOf(t, server, name)
		if own != (state[layer] == LayerActive) {
			t.Errorf("layer %s is %s, but: of its own %t", layer, state[layer], own)
		}
	}
	wantLimits(t, zygote, map[string]string{
		"Max core file size": "0", "Max locked memory": "0", "Max msgqueue size": "0", "Max pending signals": "64",
	})
	if got := strings.TrimSpace(of(t, zygote, "oom_score_adj")); got != "1000" {
		t.Errorf("oom_score_adj is %s: the kernel may take the server instead", got)
	}
	for entry := range strings.SplitSeq(strings.TrimSuffix(of(t, zygote, "environ"), "\x00"), "\x00") {
		if name, _, _ := strings.Cut(entry, "="); name != "LC_ALL" && name != "MALLOC_ARENA_MAX" && name != "TZ" {
			t.Errorf("%q is in the environment", entry)
		}
	}
	for line := range strings.Lines(of(t, zygote, "maps")) {
		if mode := strings.Fields(line)[1]; strings.Contains(mode, "w") && strings.Contains(mode, "x") {
			t.Errorf("writable and executable: %s", line)
		}
	}
	// Beside these it has the pidfd of the run that it has parked.
	parked := func(fd string) bool { return strings.HasSuffix(fd, " anon_inode") }
	want := []string{"0 pipe", "1 pipe", "2 pipe", "3 socket"}
	eventually(t, 10*time.Second, fmt.Sprintf("descriptors %q, once those of the parked run have passed through", want), func() bool {
		return slices.Equal(slices.DeleteFunc(openIn(t, zygote), parked), want)
	})
	// What is not dumpable belongs to root in /proc (proc(5)).
	if info, err := os.Stat(fmt.Sprintf("/proc/%d/mem", zygote)); err != nil || info.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Errorf("the zygote is dumpable: %+v, %v", info, err)
	}
	if group, err := unix.Getsid(zygote); err != nil || group != zygote {
		t.Errorf("session %d (%v), want its own", group, err)
	}
}

func TestOuterJail(t *testing.T) {
	requireRoot(t) // to look into a process that is not dumpable
	t.Setenv("CODECELL_SECRET", "treasure")
	s := start(t, small)
	wantJail(t, os.Getpid(), current(s).pid, s.Layers())
}

func TestInnerJail(t *testing.T) {
	t.Parallel()
	requireRoot(t)
	s := start(t, small)
	z := current(s)
	endlessRun(t, s, longest)
	members := wantGroup(t, z.pid, 3, "a zygote, its run and a parked one")
	eventually(t, 10*time.Second, "the parked run is jailed", func() bool {
		return !slices.ContainsFunc(members, func(p proc) bool {
			return p.pid != z.pid && parseStatus(of(t, p.pid, "status"))["Seccomp_filters"] == parseStatus(of(t, z.pid, "status"))["Seccomp_filters"]
		})
	})
	for _, p := range members {
		if p.pid == z.pid {
			continue
		}
		if p.parent != z.pid {
			t.Errorf("the run's parent is %d, want %d", p.parent, z.pid)
		}
		zygote, status := parseStatus(of(t, z.pid, "status")), parseStatus(of(t, p.pid, "status"))
		for _, field := range []string{"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Threads", "THP_enabled"} {
			if status[field] != zygote[field] {
				t.Errorf("%s is %q, the zygote's %q", field, status[field], zygote[field])
			}
		}
		var has, had int
		if _, err := fmt.Sscan(status["Seccomp_filters"]+" "+zygote["Seccomp_filters"], &has, &had); err == nil && has != had+1 {
			t.Errorf("%d seccomp filters, the zygote has %d: want one more", has, had)
		}
		if list := robustListOf(t, p.pid); list != 0 {
			t.Errorf("the run has a list of futexes at %#x, which the kernel wakes others for", list)
		}
		if robustListOf(t, z.pid) == 0 {
			t.Error("the zygote has no list of futexes: none in a run proves nothing")
		}
		memory := fmt.Sprint(s.Profile().Limits.Memory.Bytes())
		wantLimits(t, p.pid, map[string]string{
			"Max address space": memory, "Max file size": "0", "Max open files": "16", "Max processes": "0", "Max pending signals": "0",
			"Max core file size": "0", "Max locked memory": "0",
		})
		if open, want := openIn(t, p.pid), []string{"0 pipe", "1 pipe", "2 pipe", "3 socket"}; !slices.Equal(open, want) {
			t.Errorf("descriptors %q, want %q", open, want)
		}
	}
}
