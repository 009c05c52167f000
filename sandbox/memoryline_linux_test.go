package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests of this file have a real memory cgroup and a real program that
// charges more than its limit.

// requireMemoryCgroupV1 makes a memory cgroup with that limit, in bytes, and
// removes it in the end. It skips the test where that can't be done.
func requireMemoryCgroupV1(t *testing.T, limit int64) (dir string) {
	t.Helper()
	const want = "want: root, and a writable mount of the v1 memory controller"
	if os.Geteuid() != 0 {
		t.Skipf("requireMemoryCgroupV1: have: uid %d; %s", os.Geteuid(), want)
	}
	mounts, err := cgroupMounts(os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mounts {
		if m.version != 1 {
			continue
		}
		dir := filepath.Join(m.point, fmt.Sprintf("codecell-test-%d", os.Getpid()))
		err := os.Mkdir(dir, 0o755)
		if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
			t.Skipf("requireMemoryCgroupV1: have: %v; %s", err, want)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			// The programs in it were reaped by clean-ups made later.
			if err := os.Remove(dir); err != nil {
				t.Errorf("left behind: %v", err)
			}
		})
		write(t, filepath.Join(dir, "memory.limit_in_bytes"), limit)
		return dir
	}
	t.Skipf("requireMemoryCgroupV1: have: %+v; %s", mounts, want)
	return ""
}

func write(t *testing.T, name string, n int64) {
	t.Helper()
	if err := os.WriteFile(name, strconv.AppendInt(nil, n, 10), 0o600); err != nil {
		t.Fatal(err)
	}
}

// oomKills is the kernel's own count for the cgroup.
func oomKills(t *testing.T, dir string) (n int64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "memory.oom_control"))
	if err != nil {
		t.Fatal(err)
	}
	n, ok := field(text, []byte("\noom_kill "))
	if !ok {
		t.Fatalf("memory.oom_control has no oom_kill: %q", text)
	}
	return n
}

// A helper is this test binary again, as another process that does one thing.
type helper struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout bytes.Buffer
	pidfd  int
}

// startHelper starts TestHelper in the cgroup. It waits for begin.
func startHelper(t *testing.T, task, cgroup string) *helper {
	t.Helper()
	h := &helper{cmd: exec.Command(os.Args[0], "-test.run=^TestHelper$", "-test.v")}
	h.cmd.Env = append(os.Environ(), "CODECELL_TEST_HELPER="+task)
	h.cmd.Stdout, h.cmd.Stderr = &h.stdout, os.Stderr
	var err error
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.cmd.Process.Kill()
		h.cmd.Wait()
	})
	if h.pidfd, err = unix.PidfdOpen(h.cmd.Process.Pid, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(h.pidfd) })
	write(t, filepath.Join(cgroup, "cgroup.procs"), int64(h.cmd.Process.Pid))
	return h
}

func (h *helper) begin(t *testing.T) {
	t.Helper()
	if _, err := h.stdin.Write([]byte{'\n'}); err != nil {
		t.Fatal(err)
	}
}

// wait returns the signal that ended the helper, 0 if it ended by itself.
func (h *helper) wait(t *testing.T) unix.Signal {
	t.Helper()
	err := h.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := h.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() {
		return 0
	}
	return status.Signal()
}

// TestHelper is not a test: it is what startHelper starts.
func TestHelper(t *testing.T) {
	task, arg, _ := strings.Cut(os.Getenv("CODECELL_TEST_HELPER"), " ")
	if task == "" {
		return
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	switch task {
	case "find": // say where the memory limit stands
		found, err := findMemory(os.DirFS("/"))
		fmt.Printf("found: %d %v %v\n", found.limit, found, err)
	case "fill": // fault in so many bytes, as nice as a run
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 10); err != nil {
			t.Fatal(err)
		}
		size, err := strconv.Atoi(arg)
		if err != nil {
			t.Fatal(err)
		}
		mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < size; i += os.Getpagesize() {
			mem[i] = 1
		}
		fmt.Println("filled")
	}
}

// pidfdRun is a run of the memory line's that is a helper.
type pidfdRun struct {
	*helper
	meter pidfdMeter
	cause atomic.Int64 // of killCause
}

func (r *pidfdRun) kill(cause killCause) {
	r.cause.Store(int64(cause))
	_ = unix.PidfdSendSignal(r.pidfd, unix.SIGKILL, nil, 0) // ESRCH: it has ended
}

// weight is more than it can ever hold.
func (r *pidfdRun) weight() MiB { return 1 << 20 }

func (r *pidfdRun) charge() (int64, error) { return r.meter.charge(r.pidfd, r.cmd.Process.Pid) }

const (
	testLimit = 256 << 20
	tooMuch   = "fill 402653184" // 384 MiB
)

func TestMemoryLineIsThereBeforeTheKernel(t *testing.T) {
	silent := slog.New(slog.DiscardHandler)
	for name, open := range map[string]func(dir string) (*memoryWatch, error){
		"cgroup": func(dir string) (*memoryWatch, error) {
			return openMemoryWatch(containerMemory{testLimit, &memoryCgroup{1, dir, testLimit}}, down(testLimit), memoryMargin(1, 1), pinnedSlab(1, 0, nil), silent)
		},
		// The test itself stands outside the cgroup, so the sum is the run's alone.
		"processes": func(string) (*memoryWatch, error) {
			procs := &processSum{}
			return startMemoryWatch([]memoryLine{{source: procs, at: testLimit - memoryMargin(1, 1).Bytes(), margin: memoryMargin(1, 1).Bytes()}}, procs, silent), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := requireMemoryCgroupV1(t, testLimit)
			w, err := open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			run := &pidfdRun{helper: startHelper(t, tooMuch, dir)}
			defer run.meter.Close()
			remove := w.add(run)

			begin := time.Now()
			run.begin(t)
			signal := run.wait(t)
			took := time.Since(begin)
			remove()

			if cause := killCause(run.cause.Load()); cause != killedByMemoryLine || signal != unix.SIGKILL {
				t.Errorf("the run ended by signal %v, cause %d; want a kill by the memory line", signal, cause)
			}
			if n := oomKills(t, dir); n != 0 {
				t.Errorf("the kernel killed %d processes", n)
			}
			t.Logf("killed after %v; at most %d of %d MiB were charged", took.Round(time.Millisecond),
				readNumber(t, filepath.Join(dir, "memory.max_usage_in_bytes"))>>20, testLimit>>20)
		})
	}
}

// The control of the test above: without the watch, the same program in the same
// cgroup is the kernel's.
func TestKernelKillsWithoutTheMemoryLine(t *testing.T) {
	dir := requireMemoryCgroupV1(t, testLimit)
	h := startHelper(t, tooMuch, dir)
	h.begin(t)
	if signal := h.wait(t); signal != unix.SIGKILL {
		t.Errorf("ended by signal %v", signal)
	}
	if n := oomKills(t, dir); n == 0 {
		t.Error("the kernel killed nothing")
	}
}

// A program that stays below the line is let be.
func TestMemoryLineSparesWhatStaysBelow(t *testing.T) {
	dir := requireMemoryCgroupV1(t, testLimit)
	w, err := openMemoryWatch(containerMemory{testLimit, &memoryCgroup{1, dir, testLimit}}, down(testLimit), memoryMargin(1, 1), pinnedSlab(1, 0, nil), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	run := &pidfdRun{helper: startHelper(t, "fill 134217728", dir)}
	defer w.add(run)()
	run.begin(t)
	if signal := run.wait(t); signal != 0 || !strings.Contains(run.stdout.String(), "filled") {
		t.Errorf("ended by signal %v: %s", signal, run.stdout.String())
	}
}

// The limit of an outer cgroup is found from within an inner one without a limit.
func TestFindMemoryInNestedCgroup(t *testing.T) {
	outer := requireMemoryCgroupV1(t, testLimit)
	inner := filepath.Join(outer, "inner")
	if err := os.Mkdir(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(inner); err != nil {
			t.Errorf("left behind: %v", err)
		}
	})
	h := startHelper(t, "find", inner)
	h.begin(t)
	h.wait(t)
	want := fmt.Sprintf("found: %d cgroup v1 %s <nil>\n", int64(testLimit), outer)
	if !strings.Contains(h.stdout.String(), want) {
		t.Errorf("the helper said %q; want %q", h.stdout.String(), want)
	}
}

func readNumber(t *testing.T, name string) int64 {
	t.Helper()
	f, err := openCounter(name, lineMax)
	if err != nil {
		t.Fatal(err)
	}
	defer f.file.Close()
	n, err := f.number()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
