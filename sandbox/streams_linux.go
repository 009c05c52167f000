package sandbox

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// streams are the descriptors of one run: our ends, and theirs until they are
// handed over. All are fresh: what a program does to the state of an open file
// description is gone with the run.
type streams struct {
	stdin, stdout, stderr *os.File // ours
	control               control
	theirs                []int // stdin, stdout, stderr, control, and its workspace if it has one
}

func openStreams() (s streams, err error) {
	defer func() {
		if err != nil {
			s.closeTheirs()
			s.close()
		}
	}()
	const reads, writes = 0, 1 // the ends of a pipe
	for _, stream := range []struct {
		ours **os.File
		end  int // that is ours
	}{{&s.stdin, writes}, {&s.stdout, reads}, {&s.stderr, reads}} {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			return s, fmt.Errorf("pipe: %w", err)
		}
		s.theirs = append(s.theirs, p[1-stream.end])
		if *stream.ours, err = pollable(p[stream.end]); err != nil {
			return s, err
		}
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return s, fmt.Errorf("socketpair: %w", err)
	}
	s.theirs = append(s.theirs, pair[1])
	s.control = control{fd: pair[0]}
	return s, unix.SetNonblock(pair[0], true)
}

// pollable takes fd, which is ours alone, into Go's poller. Only our end becomes
// non-blocking: the other is an open file description of its own.
func pollable(fd int) (*os.File, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd) // never used
		return nil, fmt.Errorf("set non-blocking: %w", err)
	}
	return os.NewFile(uintptr(fd), "run"), nil
}

// closeTheirs closes our copies of the run's ends, so that ours see its end.
func (s *streams) closeTheirs() {
	for _, fd := range s.theirs {
		_ = unix.Close(fd) // pipes and sockets: nothing is lost
	}
	s.theirs = nil
}

func (s *streams) close() {
	for _, f := range []*os.File{s.stdin, s.stdout, s.stderr} {
		if f != nil {
			_ = f.Close() // read to its end already; nobody reads what is left of stdin
		}
	}
	s.control.close()
}

// socketPair makes the socket between server and zygote.
func socketPair() (ours, theirs int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	return pair[0], pair[1], err
}

func connFrom(fd int) (*net.UnixConn, error) {
	f := os.NewFile(uintptr(fd), "zygote")
	defer f.Close()
	conn, err := net.FileConn(f) // a duplicate
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("a socket pair of Unix sockets is a %T", conn) // can't happen
	}
	return unixConn, nil
}

// receivedFD returns the one descriptor in a control message, or -1. More than
// one are closed and refused.
func receivedFD(oob []byte) (int, error) {
	if len(oob) == 0 {
		return -1, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return -1, fmt.Errorf("%w: %w", errProtocol, err)
	}
	var fds []int
	for _, m := range messages {
		if rights, err := unix.ParseUnixRights(&m); err == nil {
			fds = append(fds, rights...)
		}
	}
	if len(fds) == 1 {
		return fds[0], nil
	}
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
	return -1, fmt.Errorf("%w: %d descriptors", errProtocol, len(fds))
}
