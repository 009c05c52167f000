package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How long the zygote may take. Past these it counts as hung and is replaced.
const (
	warmTimeout  = 30 * time.Second // to import the profile's modules
	startTimeout = 5 * time.Second  // to fork, on a processor that others want too
	reapTimeout  = 5 * time.Second  // to report the exit of a run that was killed
	pingEvery    = 5                // ticks of the watchdog between two pings
	pingPatience = 5                // ticks without an answer
	watchdogTick = time.Second
)

// A zygote is one warm interpreter and the runs that it forked.
type zygote struct {
	pid     int
	ownPIDs bool // it stands in a PID namespace of its own
	conn    *net.UnixConn
	log     *slog.Logger

	heard  atomic.Uint64 // messages received, for the watchdog
	forks  atomic.Int64  // runs that it has forked
	born   time.Time
	served int // runs begun; with busy guarded by the keeper's lock
	busy   int // runs in flight

	ahead      Limits      // of a parked run: what most jobs have
	beside     MiB         // what a run weighs beside its memory
	workspaces *workspaces // nil: runs have none
	library    int64       // bytes in memory beside its own, see newLibrary
	denied     *listener   // nil: it is not asked about what is denied

	mu      sync.Mutex
	runs    map[uint64]*run
	next    uint64
	parked  *flight
	parking bool // one is being parked
	retired bool // takes no more work
	reaped  bool // pid is, or may soon be, somebody else's

	greeting sync.WaitGroup // done when its first words are read, which may be its last

	dead chan struct{} // closed when it and all its runs are reaped
	why  atomic.Pointer[string]
}

// A finder returns the interpreter to run programs with, or why there is none. It may
// still be looking when a launch begins, which then waits for it.
type finder func() (Interpreter, error)

// startZygote launches an interpreter by the plan and returns when it is warm
// and was seen from outside to be in its jail. The error is a *SetupError, or find's;
// when ctx ends first, the launch is ended too.
func startZygote(ctx context.Context, p plan, find finder, prof *Profile, slots int, log *slog.Logger) (*zygote, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, &SetupError{"socketpair", err}
	}
	conn, err := connFrom(ours)
	if err != nil {
		_ = unix.Close(theirs) // already failing
		return nil, &SetupError{"socketpair", err}
	}
	library, err := newLibrary()
	if err != nil {
		_ = unix.Close(theirs) // already failing
		_ = conn.Close()
		return nil, &SetupError{"library", err}
	}
	defer library.Close()
	said := new(tailWriter)
	pid, drained, err := forkLaunch(p, p.abilities(prof), theirs, library, said)
	_ = unix.Close(theirs) // theirs by now, or nobody's
	if err != nil {
		_ = conn.Close()
		return nil, &SetupError{"clone", err}
	}
	z := &zygote{
		pid: pid, ownPIDs: p.has(unix.CLONE_NEWPID), conn: conn, log: log.With("zygote", pid), born: time.Now(),
		runs: make(map[uint64]*run), dead: make(chan struct{}),
		ahead: Limits{Memory: prof.Limits.Memory, Timeout: prof.Limits.MaxTimeout}, beside: prof.besideMemory(p.volume != nil),
	}
	z.greeting.Add(1)
	go z.bury()
	defer context.AfterFunc(ctx, func() { z.kill("no longer wanted") })()
	err = z.warm(p, find, prof, slots)
	z.greeting.Done()
	if err == nil {
		z.library, err = sealLibrary(library)
	}
	if err != nil {
		z.kill("did not start")
		z.retire() // should it be refused because we may not kill it (see verify)
		<-z.dead
		<-drained
		if text := said.String(); text != "" {
			log.Error("the zygote's last words", "text", text)
		}
		return nil, err
	}
	go z.listen()
	go z.watch()
	z.park()
	return z, nil
}

// send gives the zygote one message. It blocks only while the socket is full of
// messages that a hung zygote has not taken, and startTimeout at most.
func (z *zygote) send(msg, rights []byte) error {
	if err := z.conn.SetWriteDeadline(time.Now().Add(startTimeout)); err != nil {
		return err
	}
	_, _, err := z.conn.WriteMsgUnix(msg, rights, nil)
	return err
}

// listen takes the zygote's messages to the runs that wait for them, until the
// socket closes or the zygote breaks the protocol.
func (z *zygote) listen() {
	buf := make([]byte, maxReport)
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := z.conn.ReadMsgUnix(buf, oob)
		if err != nil || n == 0 {
			z.kill("closed its socket")
			return
		}
		z.heard.Add(1)
		fd, err := receivedFD(oob[:oobn])
		if err == nil {
			err = z.dispatch(buf[:n], fd)
		}
		if err != nil {
			z.kill("broke the protocol: " + err.Error())
			return
		}
	}
}

// dispatch hands one report to its run. It owns fd (-1: none).
func (z *zygote) dispatch(msg []byte, fd int) error {
	r, err := parseReport(msg)
	if err == nil && r.tag == tagStarted && fd >= 0 {
		pid, ours := z.owns(fd, r.pid)
		if run := z.find(r.id); ours && run != nil && run.start(fd, pid) {
			z.forks.Add(1)
			return nil
		}
		err = fmt.Errorf("%w: started a run that nobody ordered, or that is not its own", errProtocol)
	}
	if fd >= 0 {
		_ = unix.Close(fd) // nobody's
	}
	if err != nil {
		return err
	}
	switch r.tag {
	case tagPong:
		return nil
	case tagFailed, tagExited:
		if run := z.find(r.id); run != nil && run.finish(r) {
			return nil
		}
		return fmt.Errorf("%w: end of a run that is not running", errProtocol)
	case tagLost:
		return fmt.Errorf("%s: %s", r.failure.Step, r.failure.Error)
	default:
		return fmt.Errorf("%w: unexpected tag %q", errProtocol, r.tag)
	}
}

// owns reports whether what the zygote calls the pidfd of its run said is one:
// what we send SIGKILL through must not be anybody else, ourselves included. It
// returns the run's process id as we number it, 0 if that is not known.
func (z *zygote) owns(pidfd, said int) (pid int, ok bool) {
	if errors.Is(unix.PidfdSendSignal(pidfd, 0, nil, 0), unix.EBADF) {
		return 0, false // no pidfd
	}
	if z.ownPIDs {
		return 0, true // nobody else has a number in its namespace
	}
	pid, err := pidOf(pidfd)
	switch {
	case err != nil:
		return 0, false
	case pid < 0:
		return 0, true // reaped already: nobody is behind it
	case pid == 0: // the kernel does not say (gVisor)
		pid = said
	}
	group, err := unix.Getpgid(pid)
	if err != nil { // reaped meanwhile, or never there
		return 0, errors.Is(unix.PidfdSendSignal(pidfd, 0, nil, 0), unix.ESRCH)
	}
	return pid, pid != z.pid && group == z.pid
}

func (z *zygote) find(id uint64) *run {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.runs[id]
}

// watch pings the zygote, so that a hung one is found before a caller finds it.
// It counts ticks of its own rather than time: a container that was frozen
// between requests must not take the pause for silence.
func (z *zygote) watch() {
	ticker := time.NewTicker(watchdogTick)
	defer ticker.Stop()
	var heard uint64
	silent, since := 0, 0
	for {
		select {
		case <-z.dead:
			return
		case <-ticker.C:
		}
		if now := z.heard.Load(); now != heard {
			heard, silent, since = now, 0, 0
		} else if silent > 0 {
			if silent++; silent > pingPatience {
				z.kill("hung")
				return
			}
			continue
		}
		if since++; since >= pingEvery {
			since, silent = 0, 1
			if err := z.send(orderPing(0), nil); err != nil {
				z.kill("does not take a ping")
				return
			}
		}
	}
}

// kill ends the zygote and every run of it. The first reason is the one told.
func (z *zygote) kill(why string) {
	z.why.CompareAndSwap(nil, &why)
	z.mu.Lock()
	defer z.mu.Unlock()
	if !z.reaped {
		_ = unix.Kill(-z.pid, unix.SIGKILL) // ESRCH: just gone
	}
}

// begin and finish count the runs of a zygote; the keeper's lock is held.
// begin returns how many there were so far, finish how many are left in flight.
func (z *zygote) begin() int {
	z.served++
	z.busy++
	return z.served
}

func (z *zygote) finish() int {
	z.busy--
	return z.busy
}

func (z *zygote) inFlight() int { return z.busy }

// lost reports whether the zygote is ending or has ended, though its keeper may
// not have been told yet: who was answered ErrRunLost is not sent to it again.
func (z *zygote) lost() bool { return z.why.Load() != nil }

// reason is why the zygote ended.
func (z *zygote) reason() string {
	if why := z.why.Load(); why != nil {
		return *why
	}
	return "unknown"
}

// retire lets the zygote end, which has no program in flight: it reads the end of
// the socket. A parked run ends with it.
func (z *zygote) retire() {
	z.mu.Lock()
	z.retired = true
	z.mu.Unlock()
	_ = z.conn.CloseWrite() // already closed: it has ended
}

// bury waits for the zygote's end, sees to it that no run survives it, and reaps
// them all. Runs that were its children are ours now: we are their subreaper.
func (z *zygote) bury() {
	defer close(z.dead)
	defer children.remove(z.pid)
	for {
		// Looked at, not reaped yet: until then its group's number is nobody else's.
		err := unix.Waitid(unix.P_PID, z.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil || !errors.Is(err, unix.EINTR) {
			break
		}
	}
	z.kill("ended by itself")
	z.mu.Lock()
	z.reaped = true
	z.mu.Unlock()
	for {
		if _, err := unix.Wait4(-z.pid, nil, 0, nil); err != nil && !errors.Is(err, unix.EINTR) {
			break // ECHILD: none left
		}
	}
	z.greeting.Wait()
	_ = z.conn.Close() // nobody at the other end
	if f := z.unpark(); f != nil {
		f.close()
	}
	z.workspaces.close()
	z.denied.close()
}
