//go:build linux && amd64

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"codecell/sandbox/attack"

	"golang.org/x/sys/unix"
)

// What attacks are after. All of it is made so that only a jail stands before
// it: files and sockets are everybody's, and the victim has the runs' own uid.

// The secret stands in the environment and the memory of server and victim.
const (
	secretName = attack.SecretName
	secretText = attack.Secret
)

// attackSignal is what an attack that may choose sends.
const attackSignal = unix.SIGUSR2

// treasure is a copy of the secret in this process's memory, and where it is.
func treasure() (secret []byte, address uint64) {
	secret = []byte(secretText)
	return secret, uint64(uintptr(unsafe.Pointer(&secret[0])))
}

// wantTreasure also keeps the copy where it is until now.
func wantTreasure(t *testing.T, secret []byte) {
	t.Helper()
	if string(secret) != secretText {
		t.Errorf("the server's memory was written to: %q", secret)
	}
	runtime.KeepAlive(&secret[0])
}

// A victim is a process of the runs' uid which has a secret and blocks every
// signal, so that each that it was sent stays to be seen.
type victim struct {
	cmd    *exec.Cmd
	secret uint64 // the address of its treasure
}

const victimSource = `
import _ctypes, os, _signal, sys
_signal.pthread_sigmask(_signal.SIG_BLOCK, range(1, 65))
treasure = os.environb[b"CODECELL_SECRET"] + b"!"
os.write(1, b"%d\n" % (id(treasure) + sys.getsizeof(b"") - 1))
os.read(0, 1)
`

func startVictim(t *testing.T, interpreter string) *victim {
	t.Helper()
	v := &victim{cmd: exec.CommandContext(t.Context(), interpreter, "-I", "-S", "-c", victimSource)}
	v.cmd.Dir, v.cmd.Env = "/", []string{secretName + "=" + secretText}
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: &syscall.Credential{Uid: runUID, Gid: runGID}}
	if _, err := v.cmd.StdinPipe(); err != nil { // open for as long as the victim is to live
		t.Fatal(err)
	}
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.end)
	if _, err := fmt.Fscanln(out, &v.secret); err != nil {
		t.Fatalf("the victim: %v", err)
	}
	return v
}

func (v *victim) end() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait() // killed
}

func (v *victim) pid() int { return v.cmd.Process.Pid }

// state is what others can change of the victim: what they can of any process,
// the signals that wait for it, and its memory.
func (v *victim) state(t *testing.T) string {
	t.Helper()
	status := parseStatus(of(t, v.pid(), "status"))
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", v.pid()))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	secret := make([]byte, len(secretText))
	if _, err := mem.ReadAt(secret, int64(v.secret)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s signals %s %s memory %s", processState(t, v.pid()), status["SigPnd"], status["ShdPnd"], secret)
}

// processState is what others can change of any process, but for signals.
func processState(t *testing.T, pid int) string {
	t.Helper()
	status := parseStatus(of(t, pid, "status"))
	stat := of(t, pid, "stat")
	f := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])        // from the third field of proc_pid_stat(5) on
	priority := slices.Concat(f[18-3:20-3], f[40-3:42-3])                 // priority, nice, rt_priority, policy
	state := strings.Trim(f[0], "RSDI")                                   // what is left is stopped, traced or dead
	io, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(pid), 0) // IOPRIO_WHO_PROCESS
	if errno != 0 {
		t.Fatal(errno)
	}
	return fmt.Sprint(state, priority, io, status["TracerPid"], status["Cpus_allowed"], of(t, pid, "limits"), of(t, pid, "oom_score_adj"))
}

// A prize is a directory in which everybody may do everything.
type prize struct{ dir string }

var longAgo = time.Unix(1_000_000_000, 0)

// newPrize makes the directory anew.
func newPrize(t *testing.T) prize {
	t.Helper()
	dir, err := os.MkdirTemp("", "codecell-prize")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := prize{dir}
	p.restore(t)
	return p
}

func (p prize) restore(t *testing.T) {
	t.Helper()
	inside, err := filepath.Glob(filepath.Join(p.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range inside {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	file, room := filepath.Join(p.dir, "file"), filepath.Join(p.dir, "room")
	if err := errors.Join(
		os.WriteFile(file, []byte(secretText), 0o600), os.Mkdir(room, 0o700), unix.Setxattr(file, "user.note", []byte(secretText), 0),
		os.Chmod(file, 0o666), os.Chmod(room, 0o777), os.Chmod(p.dir, 0o777),
		os.Chtimes(file, longAgo, longAgo), os.Chtimes(room, longAgo, longAgo), os.Chtimes(p.dir, longAgo, longAgo),
	); err != nil {
		t.Fatal(err)
	}
}

// state is everything in the directory that can be seen, but for when it was read.
func (p prize) state(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	err := filepath.Walk(p.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintln(&text, path, info.Mode(), st.Uid, st.Gid, info.Size(), st.Nlink, st.Mtim)
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			note := make([]byte, 64)
			n, _ := unix.Getxattr(path, "user.note", note) // negative when there is none
			fmt.Fprintf(&text, "%s %s %v\n", content, note[:max(n, 0)], err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// doors are sockets that anybody may come to.
type doors struct {
	tcp, udp int // ports
	path     string
	abstract string // without the leading zero byte
	fds      []int
}

func openDoors(t *testing.T) *doors {
	t.Helper()
	dir, err := os.MkdirTemp("", "codecell-door")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &doors{path: filepath.Join(dir, "door"), abstract: "codecell-door-" + strconv.Itoa(os.Getpid())}
	open := func(domain, kind int, at unix.Sockaddr) int {
		fd, err := unix.Socket(domain, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		if err := unix.Bind(fd, at); err != nil {
			t.Fatal(err)
		}
		if kind == unix.SOCK_STREAM {
			if err := unix.Listen(fd, 16); err != nil {
				t.Fatal(err)
			}
		}
		d.fds = append(d.fds, fd)
		return fd
	}
	port := func(fd int) int {
		at, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		return at.(*unix.SockaddrInet4).Port
	}
	loopback := &unix.SockaddrInet4{Addr: [4]byte(net.IPv4(127, 0, 0, 1).To4())}
	d.tcp = port(open(unix.AF_INET, unix.SOCK_STREAM, loopback))
	d.udp = port(open(unix.AF_INET, unix.SOCK_DGRAM, loopback))
	open(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: d.path})
	open(unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: "@" + d.abstract})
	if err := errors.Join(os.Chmod(dir, 0o777), os.Chmod(d.path, 0o777)); err != nil {
		t.Fatal(err)
	}
	return d
}

// came counts who came, and sends them away. Over loopback the caller's connect
// has returned only once its connection waits here.
func (d *doors) came(t *testing.T) (n int) {
	t.Helper()
	for _, fd := range d.fds {
		for {
			ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			if err != nil && !errors.Is(err, unix.EINTR) {
				t.Fatal(err)
			}
			if ready == 0 {
				break
			}
			n++
			var room [64]byte
			if _, _, err := unix.Recvfrom(fd, room[:], 0); err == nil {
				continue // a datagram
			}
			if conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC); err == nil {
				unix.Close(conn)
			}
		}
	}
	return n
}

// sharedMemory is what the kernel keeps of the runs' user after a process has
// ended: files in /dev/shm, System V's objects, and message queues.
func sharedMemory(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	for _, dir := range []string{"/dev/shm", "/dev/mqueue"} {
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, file := range files {
			if info, err := file.Info(); err == nil && info.Sys().(*syscall.Stat_t).Uid == runUID {
				fmt.Fprintln(&text, dir, file.Name())
			}
		}
	}
	for _, kind := range []string{"shm", "sem", "msg"} {
		table, err := os.ReadFile("/proc/sysvipc/" + kind)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		owner := -1
		for line := range strings.Lines(string(table)) {
			f := strings.Fields(line)
			if owner < 0 {
				owner = slices.Index(f, "uid")
			} else if f[owner] == strconv.Itoa(runUID) {
				fmt.Fprintln(&text, kind, f[:2])
			}
		}
	}
	return text.String()
}
