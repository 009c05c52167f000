package sandbox

import (
	"os"
	"os/exec"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// What a program holds in page tables counts like what it holds in pages.
func TestProcessChargeCountsPageTables(t *testing.T) {
	debug.FreeOSMemory() // what other tests left would be given back meanwhile
	before, err := processCharge(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// One page in each 2 MiB needs a page table of its own: as much again.
	const pages, stride = 4000, 2 << 20
	mem, err := unix.Mmap(-1, 0, pages*stride, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mem)
	if err := unix.Madvise(mem, unix.MADV_NOHUGEPAGE); err != nil {
		t.Logf("no huge pages to turn off: %v", err)
	}
	for i := range pages {
		mem[i*stride] = 1
	}
	after, err := processCharge(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	pageSize := int64(os.Getpagesize())
	if rise, least := after-before, 2*pages*pageSize*9/10; rise < least {
		t.Errorf("the charge rose by %d KiB for %d pages and as many page tables; want at least %d KiB",
			rise>>10, pages, least>>10)
	}
}

// The meter follows the process behind a pidfd, and nobody else after its end.
func TestPidfdMeter(t *testing.T) {
	sleeper, pidfd := startSleeper(t)
	var m pidfdMeter
	defer m.Close()
	n, err := m.charge(pidfd, 0)
	// At first it has little more than its stack: ld.so has not run yet.
	if err != nil || n < 16<<10 || n > 64<<20 {
		t.Errorf("a sleeping process holds %d bytes, %v", n, err)
	}
	var late pidfdMeter
	sleeper.Process.Kill()
	sleeper.Wait()
	if n, err := m.charge(pidfd, 0); n != 0 || err != nil {
		t.Errorf("after its end: %d bytes, %v", n, err)
	}
	if n, err := late.charge(pidfd, os.Getpid()); n != 0 || err != nil {
		t.Errorf("first asked after its end: %d bytes, %v", n, err)
	}
}

// gVisor does not say which process a pidfd is once that has ended: then it holds nothing.
// Of one that goes on somebody must know, or nobody measures it. A pipe says as little as
// such a pidfd, and is readable when its writer has ended.
func TestPidfdMeterWhereTheKernelDoesNotSay(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var m pidfdMeter
	if n, err := m.charge(int(r.Fd()), 0); n != 0 || err == nil {
		t.Errorf("of a process that goes on: %d, %v, want an error", n, err)
	}
	w.Close()
	if n, err := m.charge(int(r.Fd()), 0); n != 0 || err != nil {
		t.Errorf("of a process that has ended: %d, %v", n, err)
	}
}

func startSleeper(t *testing.T) (cmd *exec.Cmd, pidfd int) {
	t.Helper()
	cmd = exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pidfd) })
	return cmd, pidfd
}

func TestProcessSum(t *testing.T) {
	sum := &processSum{why: "test"}
	removeSelf, err := sum.addProcess(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := sum.charge(0)
	if err != nil || alone == 0 {
		t.Fatalf("alone: %d, %v", alone, err)
	}
	removeRun := sum.add(fixedCharge(1 << 40))
	removeTwin := sum.add(fixedCharge(1 << 40))
	if n, _ := sum.charge(0); n>>40 != 2 {
		t.Errorf("with two more of 1 TiB: %d", n)
	}
	removeRun()
	removeRun() // the second time does nothing
	if n, _ := sum.charge(0); n>>40 != 1 {
		t.Errorf("one of them removed: %d", n)
	}
	removeTwin()
	removeSelf()
	if n, _ := sum.charge(0); n != 0 {
		t.Errorf("all removed: %d", n)
	}
	if _, err := sum.addProcess(1<<30, 0); err == nil {
		t.Error("a process that is not there: no error")
	}
	if _, err := processCharge(1 << 30); err == nil {
		t.Error("the charge of a process that is not there: no error")
	}
}

type fixedCharge int64

func (f fixedCharge) charge() (int64, error) { return int64(f), nil }
