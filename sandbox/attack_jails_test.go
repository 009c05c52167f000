//go:build linux && amd64

package sandbox

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed testdata/jails/outer_alone.py
var outerAloneSource string

//go:embed testdata/jails/inner_alone.py
var innerAloneSource string

// A jail is a place where attacks are made.
type jail struct {
	name   string
	layers []Layer // what is in force; nil where none is
	server int     // the process that runs it
	secret uint64  // where in the server's memory its treasure is
	attack func(t *testing.T, code string) ended
	orphan func(t *testing.T, code string) orphaned // nil outside
}

// active reports whether the jail has a layer.
func (j jail) active(layer string) bool {
	return slices.ContainsFunc(j.layers, func(l Layer) bool { return l.Name == layer && l.State == LayerActive })
}

// ended is how an attack ended, as the server has it.
type ended struct {
	Stdout, Stderr string
	ExitCode       int
	Lost           string // the run, and why
	Signals        int    // that the server got meanwhile
	Zygote         int    // that has forked it, and has its next run parked; 0 if that is lost
}

// jailPython is the interpreter that the servers find.
func jailPython(t *testing.T) Interpreter {
	t.Helper()
	python, err := findPython(t.Context(), "", runUID, runGID, new(Profile))
	check(t, err)
	return python
}

// outside is no jail: an interpreter as root, where every attack must win.
func outside(interpreter string, address uint64, hits chan os.Signal) jail {
	return jail{name: "outside", server: os.Getpid(), secret: address, attack: func(t *testing.T, code string) ended {
		t.Helper()
		drainSignals(hits)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // one that waits for a call that is not there
		defer cancel()
		cmd := exec.CommandContext(ctx, interpreter, "-I", "-S", "-c", code)
		cmd.Env = []string{secretName + "=" + secretText}
		cmd.WaitDelay = time.Second
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return ended{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode(), Signals: drainSignals(hits)}
	}}
}

// attackIn makes one attack in a cell, and tells what the cell's server sees of it.
func attackIn(t *testing.T, s *Sandbox, code string, hits chan os.Signal) ended {
	t.Helper()
	eventually(t, 10*time.Second, "a zygote is warm", func() bool { return s.Ready() == nil })
	drainSignals(hits)
	z := current(s)
	res, err := s.Run(t.Context(), Job{Code: code, Limits: Limits{Timeout: longest}})
	end := ended{Stdout: string(res.Stdout.Data), Stderr: string(res.Stderr.Data), ExitCode: res.ExitCode}
	if err != nil {
		end.Lost = err.Error()
	}
	end.Signals = drainSignals(hits)
	if z != nil && err == nil {
		eventually(t, 10*time.Second, "the next run is parked, or the zygote was ended for this one", func() bool {
			select {
			case <-z.dead:
				return true
			default:
				return hasParked(z)
			}
		})
		end.Zygote = z.pid
	}
	return end
}

// orphaned is how an attack ended whose zygote was killed.
type orphaned struct {
	Before, After int    // processes of the zygote's group, and others that it left to the server
	Error         string // of the run
}

// orphanIn makes an attack in a cell that says "running" and goes on for ever, and
// kills the zygote then.
func orphanIn(t *testing.T, s *Sandbox, code string) orphaned {
	t.Helper()
	eventually(t, 10*time.Second, "a zygote is warm", func() bool { return s.Ready() == nil })
	z := current(s)
	running, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	go func() {
		_, err := s.Run(t.Context(), Job{Code: code, Limits: Limits{Timeout: longest}, Stdout: writerFunc(func([]byte) { once.Do(func() { close(running) }) })})
		ended <- err
	}()
	select {
	case <-running:
	case err := <-ended:
		return orphaned{Error: fmt.Sprint(err)}
	}
	o := orphaned{Before: len(groupOf(t, z.pid))}
	check(t, unix.Kill(z.pid, unix.SIGKILL))
	o.Error = fmt.Sprint(<-ended)
	var fresh *zygote
	eventually(t, 10*time.Second, "another zygote is warm", func() bool {
		fresh = current(s)
		return fresh != nil && fresh != z
	})
	for _, p := range processes(t) {
		if p.group == z.pid || p.parent == os.Getpid() && p.pid != fresh.pid {
			o.After++
		}
	}
	return o
}

// hasParked reports whether a zygote has forked the run of the next program.
func hasParked(z *zygote) bool {
	z.mu.Lock()
	f := z.parked
	z.mu.Unlock()
	if f == nil {
		return false
	}
	select {
	case <-f.run.started:
		return true
	default:
		return false
	}
}

// startJail returns a jail in a server of its own process: task is one of those below.
// Where it is one jail without the other, what a program meets is made of the
// cell's own sources and filters; only the other jail is left out.
func startJail(t *testing.T, name, self, task string) jail {
	c := startChild(t, self, task, nil)
	var hello jailHello
	c.hear(t, &hello)
	ask := func(t *testing.T, o jailOrder, answer any) {
		t.Helper()
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.goOn.Write(append(text, '\n')); err != nil {
			t.Fatal(err)
		}
		c.hear(t, answer)
	}
	return jail{
		name: name, layers: hello.Layers, server: c.cmd.Process.Pid, secret: hello.Secret,
		attack: func(t *testing.T, code string) (end ended) {
			ask(t, jailOrder{Code: code}, &end)
			return end
		},
		orphan: func(t *testing.T, code string) (end orphaned) {
			ask(t, jailOrder{Code: code, Orphan: true}, &end)
			return end
		},
	}
}

// jailOrder is what the server of a jail is told to do.
type jailOrder struct {
	Code   string
	Orphan bool
}

// jailHello is what the server of a jail says once it is ready.
type jailHello struct {
	Layers []Layer
	Secret uint64
}

func init() {
	childTasks["outer alone"] = outerAlone
	childTasks["outer alone, no Landlock"] = func(t *testing.T) { hide(t, "landlock", "outer alone") }
	childTasks["outer alone, filter"] = func(t *testing.T) { hide(t, "landlock,userns,sysadmin", "outer alone") }
	childTasks["inner alone"] = innerAlone
	childTasks["both"] = func(t *testing.T) {
		t.Setenv(secretName, secretText)
		s := start(t, quiet)
		serveAttacks(t, s, s.Layers())
	}
}

// outerAlone serves programs in zygotes that are launched as ever, by a jail.py
// that leaves out the inner jail.
func outerAlone(t *testing.T) {
	jailSource += outerAloneSource // this process has no other test
	t.Setenv(secretName, secretText)
	s := start(t, quiet)
	serveAttacks(t, s, s.Layers())
}

// innerAlone serves programs in zygotes that were not launched: a plain
// interpreter, as root, with the server's environment, in which the real zygote.py
// forks runs that enter the real inner jail. The seal is one that allows everything.
func innerAlone(t *testing.T) {
	t.Setenv(secretName, secretText)
	profile, err := LoadProfile("minimal")
	check(t, err)
	small(profile, &Config{})
	check(t, protectServer())
	s := &Sandbox{profile: profile, plan: newPlan(), end: func() {}}
	s.interpreter, err = findPython(t.Context(), "", s.plan.uid, s.plan.gid, s.profile)
	check(t, err)
	found, err := findMemory(os.DirFS("/"))
	check(t, err)
	s.line, err = openMemoryWatch(found, MiB(found.limit>>20), memoryMargin(1, 1), pinnedSlab(1, 0, nil), slog.New(slog.DiscardHandler))
	check(t, err)
	begin := func() (*zygote, error) { return startUnlaunched(s) }
	first, err := begin()
	check(t, err)
	s.keeper = newKeeper(first, begin, profile.Zygote, s.count(slog.New(slog.DiscardHandler)), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { check(t, s.Close()) })
	serveAttacks(t, s, []Layer{{"inner", LayerActive, "Landlock, limits and the inner filter"}})
}

// startUnlaunched is startZygote without launch, seal, namespaces and verify.
func startUnlaunched(s *Sandbox) (*zygote, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer unix.Close(theirs)
	conn, err := connFrom(ours)
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	library, err := newLibrary()
	if err != nil {
		return nil, err
	}
	defer library.Close()
	path := s.interpreter.Path
	pid, err := spawn(path, []string{path, "-I", "-S", "-B", "-X", "utf8", "-c", innerAloneSource + bootSource}, &syscall.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []uintptr{null.Fd(), os.Stderr.Fd(), os.Stderr.Fd(), uintptr(theirs), null.Fd(), library.Fd()},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	z := &zygote{
		pid: pid, conn: conn, log: slog.New(slog.DiscardHandler), born: time.Now(), runs: make(map[uint64]*run), dead: make(chan struct{}),
		ahead: Limits{Memory: s.profile.Limits.Memory, Timeout: s.profile.Limits.MaxTimeout},
	}
	go z.bury()
	if err := warmUnlaunched(z, s); err != nil {
		z.kill("did not start")
		<-z.dead
		return nil, err
	}
	go z.listen()
	go z.watch()
	z.park()
	return z, nil
}

func warmUnlaunched(z *zygote, s *Sandbox) error {
	text, err := zygoteConfig(s.plan, s.profile, s.interpreter, 1)
	if err != nil {
		return err
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	config["seal"] = hex.EncodeToString([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}) // return SECCOMP_RET_ALLOW
	if text, err = json.Marshal(config); err != nil {
		return err
	}
	if _, err := z.conn.Write(text); err != nil {
		return err
	}
	buf := make([]byte, maxReport)
	n, err := z.conn.Read(buf)
	if err != nil {
		return err
	}
	if r, err := parseReport(buf[:n]); err != nil || r.tag != tagHello {
		return errors.Join(err, errors.New(string(buf[:n])))
	}
	return nil
}

// serveAttacks makes the attacks that come in on standard input, one to a line.
func serveAttacks(t *testing.T, s *Sandbox, layers []Layer) {
	secret, address := treasure()
	hits := make(chan os.Signal, 64)
	signal.Notify(hits, attackSignal)
	tell(t, jailHello{layers, address})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o jailOrder
		check(t, json.Unmarshal(lines.Bytes(), &o))
		if o.Orphan {
			tell(t, orphanIn(t, s, o.Code))
		} else {
			tell(t, attackIn(t, s, o.Code, hits))
		}
	}
	check(t, lines.Err())
	wantTreasure(t, secret)
}
