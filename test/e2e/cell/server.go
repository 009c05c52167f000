//go:build linux

package cell

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// readyTimeout bounds the way from exec to the first 200 of /readyz.
	readyTimeout = 30 * time.Second
	// stopTimeout bounds the way from SIGTERM to the exit: the server's own
	// drain (8 s) and some air.
	stopTimeout = 15 * time.Second
)

// Options say how to start a server.
type Options struct {
	// Binary is the path of codecell.
	Binary string
	// Wrap stands before the binary on the command line, for example
	// {"setpriv", "--reuid", "1234"}. It must exec what follows it and not
	// fork, so that the process started here is the server.
	Wrap []string
	// Env are NAME=value pairs, added to PATH, PORT and LOCAL_ONLY. Nothing else of the
	// caller's environment reaches the server.
	Env []string
	// Host is the address at which the server is asked; empty: 127.0.0.1.
	Host string
	// OwnNetwork says that Wrap gives the server a network namespace of its own: it
	// is asked from in there (only as root).
	OwnNetwork bool
}

// Server is a running codecell.
type Server struct {
	// URL is the server's root, without a slash at its end.
	URL string
	// Proc is the server's process.
	Proc Proc

	dial   dialer // nil: as usual
	cmd    *exec.Cmd
	log    *logBuffer
	exited chan struct{} // closed when the process is reaped
	err    error         // of Wait; read it after exited
}

// Start launches a server and returns when /readyz answers 200. The error
// holds the server's log.
func Start(ctx context.Context, opts Options) (*Server, error) {
	s, err := Launch(opts)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := s.WaitReady(ctx); err != nil {
		s.Kill()
		return nil, fmt.Errorf("%w; its log:\n%s", err, s.Log())
	}
	return s, nil
}

// Launch starts a server on a free port of the loopback interface and returns
// at once.
func Launch(opts Options) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	argv := append(append([]string{}, opts.Wrap...), opts.Binary, "serve")
	s := &Server{
		URL:    "http://" + net.JoinHostPort(cmp.Or(opts.Host, "127.0.0.1"), port),
		log:    &logBuffer{},
		exited: make(chan struct{}),
	}
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LOCAL_ONLY=true", "PORT=" + port}, opts.Env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.cmd.WaitDelay = time.Second
	// If the test binary is killed, so is the server (and with it, by its own
	// doing, every run).
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	own.add(s.cmd.Process.Pid)
	if opts.OwnNetwork {
		s.dial = dialWhere(s.cmd.Process.Pid)
	}
	if s.Proc, err = Process(s.cmd.Process.Pid); err != nil {
		err = fmt.Errorf("the server vanished at once: %w", err)
	}
	go func() {
		s.err = s.cmd.Wait()
		own.remove(s.cmd.Process.Pid)
		close(s.exited)
	}()
	return s, err
}

// freePort asks the kernel for a port that nobody listens on. Somebody else may
// take it before the server does; the server then says so and does not start.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// WaitReady returns nil when /readyz answers 200, else why it will not.
func (s *Server) WaitReady(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: s.dial}, Timeout: 5 * time.Second}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if resp, err := client.Get(s.URL + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-s.exited:
			return fmt.Errorf("the server exited before it was ready: %w", s.exitError())
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// Stop sends SIGTERM and returns nil when the server has ended with exit code
// 0. One that does not end in time is killed.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.exited:
		if s.err != nil {
			return fmt.Errorf("after SIGTERM: %w", s.err)
		}
		return nil
	case <-time.After(stopTimeout):
		s.Kill()
		return fmt.Errorf("still running %v after SIGTERM", stopTimeout)
	}
}

// Kill ends the server at once and waits for it.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // an error means that it is gone already
	<-s.exited
}

// Exited is closed when the server's process has ended.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// exitError describes the exit; an exit with code 0 is one as well.
func (s *Server) exitError() error {
	if s.err != nil {
		return s.err
	}
	return errors.New("exit status 0")
}

// Log returns what the server has written to its streams so far.
func (s *Server) Log() string { return s.log.String() }

// logBuffer is a bytes.Buffer that may be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
