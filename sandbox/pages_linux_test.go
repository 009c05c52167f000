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

// What a large zygote has imported lies in huge pages. A run shares those, and gets none.
func TestHugePages(t *testing.T) {
	requireRoot(t) // to look into processes that are not dumpable
	requireHugePages(t)
	s := dataScienceSandbox(t)
	z := current(s)
	if huge, all := smaps(t, z.pid, "AnonHugePages"), smaps(t, z.pid, "Anonymous"); huge < all/4 {
		t.Errorf("%d KiB of the zygote's %d are huge pages, want a quarter", huge, all)
	}
	ctx, cancel := context.WithCancel(t.Context())
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, Job{
			Code:   "import time\nheld = bytearray(64 << 20)\nprint('running')\ntime.sleep(3600)",
			Stdout: writerFunc(func([]byte) { close(running) }),
		})
		ended <- err
	}()
	select {
	case <-running:
	case err := <-ended:
		t.Fatalf("the program did not run: %v", err)
	}
	defer func() {
		cancel()
		<-ended
	}()
	zygote := smaps(t, z.pid, "AnonHugePages")
	for _, p := range wantGroup(t, z.pid, 3, "a zygote, its run and a parked one") {
		if got := parseStatus(of(t, p.pid, "status"))["THP_enabled"]; got != "0" {
			t.Errorf("process %d may have huge pages: %q", p.pid, got)
		}
		if huge := smaps(t, p.pid, "AnonHugePages"); huge > zygote {
			t.Errorf("a run has %d KiB in huge pages, its zygote %d", huge, zygote)
		}
	}
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
