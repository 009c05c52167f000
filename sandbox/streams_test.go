//go:build linux

package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pipes returns n open descriptors, and a function that says which are closed.
func pipes(t testing.TB, n int) (fds []int, closed func() []bool) {
	t.Helper()
	var readers []*os.File
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		fd, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		readers, fds = append(readers, r), append(fds, fd)
	}
	// The reader sees the end of a pipe whose last writer was closed. A number
	// alone proves nothing: another test may have it by now.
	return fds, func() []bool {
		ended := make([]bool, n)
		for i, r := range readers {
			poll := []unix.PollFd{{Fd: int32(r.Fd()), Events: unix.POLLIN}}
			for {
				ready, err := unix.Poll(poll, 0)
				if errors.Is(err, unix.EINTR) {
					continue
				}
				ended[i] = ready == 1 && poll[0].Revents&unix.POLLHUP != 0
				break
			}
		}
		return ended
	}
}

func TestReceivedFD(t *testing.T) {
	t.Parallel()
	credentials := unix.UnixCredentials(&unix.Ucred{Pid: 1})
	for _, c := range []struct {
		name   string
		fds    int
		oob    func(fds []int) []byte
		refuse bool
	}{
		{"nothing", 0, func([]int) []byte { return nil }, false},
		{"one", 1, func(fds []int) []byte { return unix.UnixRights(fds...) }, false},
		{"two", 2, func(fds []int) []byte { return unix.UnixRights(fds...) }, true},
		{"two in two messages", 2, func(fds []int) []byte { return append(unix.UnixRights(fds[0]), unix.UnixRights(fds[1])...) }, true},
		{"none in a message", 0, func([]int) []byte { return unix.UnixRights() }, true},
		{"credentials", 0, func([]int) []byte { return credentials }, true},
		{"one behind credentials", 1, func(fds []int) []byte { return append(slices.Clone(credentials), unix.UnixRights(fds...)...) }, false},
		{"cut off", 0, func([]int) []byte { return unix.UnixRights(1)[:7] }, true},
		{"noise", 0, func([]int) []byte { return bytes.Repeat([]byte{0xff}, 24) }, true},
	} {
		fds, closed := pipes(t, c.fds)
		got, err := receivedFD(c.oob(fds))
		if (err != nil) != c.refuse || err != nil && !errors.Is(err, errProtocol) {
			t.Errorf("%s: error %v, want one: %t", c.name, err, c.refuse)
		}
		switch {
		case c.fds == 1 && !c.refuse:
			if got != fds[0] || closed()[0] {
				t.Errorf("%s: descriptor %d, want %d, open", c.name, got, fds[0])
			}
		case got != -1:
			t.Errorf("%s: descriptor %d, want none", c.name, got)
		}
		if c.refuse && slices.Contains(closed(), false) {
			t.Errorf("%s: refused, but left open: %v", c.name, closed())
		}
		if got >= 0 {
			unix.Close(got)
		}
	}
}

// What a zygote may say of a run, and when. Out of turn it breaks the protocol,
// and no descriptor that came with it stays open.
func TestDispatch(t *testing.T) {
	t.Parallel()
	started, exited := order(tagStarted, 1, 4711), order(tagExited, 1, 0, 0, 0, 0, 0)
	for _, c := range []struct {
		name string
		msgs [][]byte // with a descriptor each, where fds says so
		fds  []bool
		ok   bool // the last one is taken
	}{
		{"started", [][]byte{started}, []bool{true}, true},
		{"started and exited", [][]byte{started, exited}, []bool{true, false}, true},
		{"fork failed", [][]byte{order(tagFailed, 1, 11)}, []bool{false}, true},
		{"pong", [][]byte{order(tagPong, 9)}, []bool{false}, true},
		{"started without a descriptor", [][]byte{started}, []bool{false}, false},
		{"started twice", [][]byte{started, started}, []bool{true, true}, false},
		{"another run started", [][]byte{order(tagStarted, 2, 1)}, []bool{true}, false},
		{"exited without a start", [][]byte{exited}, []bool{false}, false},
		{"exited twice", [][]byte{started, exited, exited}, []bool{true, false, false}, false},
		{"another run exited", [][]byte{order(tagExited, 2, 0, 0, 0, 0, 0)}, []bool{false}, false},
		{"fork failed after the start", [][]byte{started, order(tagFailed, 1, 11)}, []bool{true, false}, false},
		{"started after fork failed", [][]byte{order(tagFailed, 1, 11), started}, []bool{false, true}, false},
		{"fork failed twice", [][]byte{order(tagFailed, 1, 11), order(tagFailed, 1, 11)}, []bool{false, false}, false},
		{"hello again", [][]byte{[]byte("H")}, []bool{false}, false},
		{"lost", [][]byte{[]byte(`L{"step":"serve","error":"bad"}`)}, []bool{false}, false},
		{"noise with a descriptor", [][]byte{[]byte("noise")}, []bool{true}, false},
		{"pong with a descriptor", [][]byte{order(tagPong, 9)}, []bool{true}, true},
	} {
		r := newRun(nil, runKernelCost)
		z := &zygote{runs: map[uint64]*run{1: r}, ownPIDs: true}
		fds, closed := pidfds(t, len(c.msgs), "true")
		var err error
		for i, msg := range c.msgs {
			fd := -1
			if c.fds[i] {
				fd = fds[i]
			} else {
				unix.Close(fds[i])
			}
			if err != nil {
				t.Errorf("%s: message %d: %v", c.name, i-1, err)
			}
			err = z.dispatch(msg, fd)
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want it taken: %t", c.name, err, c.ok)
		}
		r.close()
		if left := closed(); slices.Contains(left, false) {
			t.Errorf("%s: descriptors left open: %v", c.name, left)
		}
	}
}

// That a run has ended is the kernel's to say: before, its slot and its folder are its own.
func TestDispatchOfLies(t *testing.T) {
	t.Parallel()
	begin := func() (*zygote, *run) {
		r := newRun(nil, runKernelCost)
		return &zygote{runs: map[uint64]*run{1: r}, ownPIDs: true}, r
	}
	z, r := begin()
	fds, closed := pidfds(t, 1, "sleep", "1000")
	check(t, z.dispatch(order(tagStarted, 1, 4711), fds[0]))
	if err := z.dispatch(order(tagExited, 1, 0, 0, 0, 0, 0), -1); err == nil || r.finished {
		t.Errorf("the end of a living run is taken: %v", err)
	}
	r.close()
	if !closed()[0] {
		t.Error("its descriptor is left open")
	}
	z, r = begin()
	fds, closed = pipes(t, 1)
	if err := z.dispatch(order(tagStarted, 1, 4711), fds[0]); err == nil || r.pidfd >= 0 {
		t.Errorf("a pipe is taken for a process: %v", err)
	}
	if !closed()[0] {
		t.Error("the pipe is left open")
	}
}

// pidfds starts a command, which ends at once or not before the test, and returns n pidfds
// of it. closed says which of them are not open any more.
func pidfds(t *testing.T, n int, argv ...string) (fds []int, closed func() []bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // which reaps it: until then its number is nobody else's
	for range n {
		fd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
		check(t, err)
		fds = append(fds, fd)
	}
	if len(argv) == 1 {
		eventually(t, 10*time.Second, "the process has ended", func() bool { return hasEnded(fds[0]) })
	}
	return fds, func() []bool {
		gone := make([]bool, n)
		for i, fd := range fds {
			pid, err := pidOf(fd)
			gone[i] = err != nil || pid != cmd.Process.Pid
		}
		return gone
	}
}

// Our ends are ours to poll; theirs are plain, because what a program does to the
// state of its open file must not reach us.
func TestStreamsAreFresh(t *testing.T) {
	t.Parallel()
	s, err := openStreams()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if len(s.theirs) != 4 {
		t.Fatalf("%d descriptors for a run, want 4", len(s.theirs))
	}
	for i, fd := range s.theirs {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("descriptor %d: flags %#x, %v: a program would meet EAGAIN", i, flags, err)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d is inherited by other children", i)
		}
	}
	// A program's O_NONBLOCK on its end must not change ours, nor the other way.
	if err := unix.SetNonblock(s.theirs[1], true); err != nil {
		t.Fatal(err)
	}
	s.closeTheirs()
	for _, ours := range []io.Reader{s.stdout, s.stderr, &s.control} {
		if n, err := ours.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("read %d, %v after their ends are closed, want EOF", n, err)
		}
	}
}

// The context that ends before a run begins costs no fork.
func TestRunWithEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("left")
	cancel(cause)
	if _, err := sharedSandbox(t).Run(ctx, Job{Code: "print(1)"}); !errors.Is(err, cause) {
		t.Errorf("%v, want the cause", err)
	}
}
