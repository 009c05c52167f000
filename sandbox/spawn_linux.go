package sandbox

import (
	"bytes"
	"os"
	"runtime"
	"sync"
	"syscall"

	"codecell/sandbox/internal/launch"
)

// forkLaunch starts our own binary as launch, with socket as SocketFD, library as
// LibraryFD, and with what it prints copied into said; drained is closed when all of
// it was read.
func forkLaunch(p plan, a launch.Abilities, socket int, library *os.File, said *tailWriter) (pid int, drained <-chan struct{}, err error) {
	// An empty pipe, because runs have pipes there: the zygote makes their streams. It
	// also keeps ProcSelfFD free.
	stdin, nobody, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer stdin.Close()
	_ = nobody.Close() // nothing was written
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer w.Close()
	pid, err = spawn(selfPath(), launch.Argv(a), &syscall.ProcAttr{
		Dir:   "/",
		Env:   []string{},
		Files: []uintptr{stdin.Fd(), w.Fd(), w.Fd(), uintptr(socket), stdin.Fd(), library.Fd()},
		Sys:   p.sysProcAttr(),
	})
	if err != nil {
		_ = r.Close() // nothing was written
		return 0, nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.Close()
		said.readFrom(r)
	}()
	return pid, done, nil
}

// spawnThread forks on one thread that never ends: a child's parent-death signal
// fires when the *thread* that started it does (prctl(2), PR_SET_PDEATHSIG).
var spawnThread = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

func spawn(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	done := make(chan struct{})
	spawnThread() <- func() {
		defer close(done)
		pid, err = syscall.ForkExec(path, argv, attr)
		if err == nil {
			children.add(pid)
		}
	}
	<-done
	return pid, err
}

// selfPath names our own binary even after the file was replaced.
func selfPath() string {
	const proc = "/proc/self/exe"
	if _, err := os.Stat(proc); err == nil {
		return proc
	}
	path, err := os.Executable()
	if err != nil {
		return proc
	}
	return path
}

// tailWriter keeps the last words of a process that failed to start.
type tailWriter struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailLimit = 4 << 10

func (t *tailWriter) readFrom(r *os.File) {
	buf := make([]byte, 1<<10)
	for {
		n, err := r.Read(buf)
		t.mu.Lock()
		if t.buf.Len()+n > tailLimit {
			t.buf.Reset()
		}
		t.buf.Write(buf[:n])
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *tailWriter) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
