package sandbox

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// requireHugePages wants a kernel that gives huge pages to who asks for them (Linux 6.1).
func requireHugePages(t *testing.T) {
	t.Helper()
	const size = 4 << 20 // one of 2 MiB is in it, wherever it begins
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	check(t, err)
	defer func() { check(t, unix.Munmap(mem)) }()
	if err := unix.Madvise(mem, unix.MADV_COLLAPSE); err != nil {
		t.Skipf("want MADV_COLLAPSE: %v", err)
	}
}

// What a large zygote has imported lies in huge pages. A run gets none; where it writes to one
// of the zygote's, a small page is copied.
func TestHugePages(t *testing.T) {
	requireRoot(t) // to look into processes that are not dumpable
	requireHugePages(t)
	s := dataScienceSandbox(t)
	z := current(s)
	if huge, all := smaps(t, z.pid, "AnonHugePages"), smaps(t, z.pid, "Anonymous"); huge < all/4 {
		t.Errorf("%d KiB of the zygote's %d are in huge pages, want a quarter", huge, all)
	}
	where := hugeMaps(t, z.pid)
	ctx, cancel := context.WithCancel(t.Context())
	running, ended := make(chan int, 1), make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, Job{
			Code: `
import ctypes, sys, time
written = 0
for ends in sys.argv[1:]:
    start, end = (int(address, 16) for address in ends.split("-"))
    for at in range(start, end, 2 << 20):
        ctypes.memmove(at, ctypes.string_at(at, 1), 1)
        written += 1
print(written, flush=True)
time.sleep(3600)
`,
			Args: where,
			Stdout: writerFunc(func(p []byte) {
				var written int
				_, _ = fmt.Sscan(string(p), &written) // 0 is no answer either
				select {
				case running <- written:
				default:
				}
			}),
		})
		ended <- err
	}()
	defer func() {
		cancel()
		<-ended
	}()
	select {
	case written := <-running:
		if written < smaps(t, z.pid, "AnonHugePages")>>11 {
			t.Fatalf("the program wrote to %d places in %s, want each huge page", written, where)
		}
	case err := <-ended:
		t.Fatalf("the program did not run: %v", err)
	}
	for _, p := range wantGroup(t, z.pid, 3, "a zygote, its run and a parked one") {
		if got := parseStatus(of(t, p.pid, "status"))["THP_enabled"]; got != "0" {
			t.Errorf("process %d may have huge pages: %q", p.pid, got)
		}
		// A run writes to some 2 MiB in small pages before its program does anything.
		if private := smaps(t, p.pid, "Private_Dirty"); private > 8<<10 {
			t.Errorf("process %d has %d KiB of its own after a write to each huge page", p.pid, private)
		}
	}
}

// hugeMaps are the maps of a process that have huge pages, as start-end.
func hugeMaps(t *testing.T, pid int) (where []string) {
	t.Helper()
	var ends string
	for line := range strings.Lines(of(t, pid, "smaps")) {
		fields := strings.Fields(line)
		switch {
		case !strings.HasSuffix(fields[0], ":"):
			ends = fields[0]
		case fields[0] == "AnonHugePages:" && fields[1] != "0":
			where = append(where, ends)
		}
	}
	return where
}

// smaps is a line of a process's smaps_rollup, in KiB.
func smaps(t *testing.T, pid int, name string) (size int) {
	t.Helper()
	for line := range strings.Lines(of(t, pid, "smaps_rollup")) {
		if _, err := fmt.Sscanf(line, name+": %d kB", &size); err == nil {
			return size
		}
	}
	t.Fatalf("no %s of process %d", name, pid)
	return 0
}
