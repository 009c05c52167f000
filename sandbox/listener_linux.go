package sandbox

import (
	"errors"
	"os"
	"syscall"
	"time"

	"codecell/sandbox/internal/launch"

	"golang.org/x/sys/unix"
)

// A listener answers the calls that the outer filter of a zygote refuses, to it and to its
// runs: always with EPERM. It is there to know their names. Whatever goes wrong with it
// denies: the kernel answers ENOSYS to whoever asks once it is closed.
type listener struct {
	file *os.File
	conn syscall.RawConn
}

// newListener owns fd.
func newListener(fd int) (*listener, error) {
	file, err := pollable(fd)
	if err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &listener{file, conn}, nil
}

// serve answers until nobody is left who could ask, or the listener is closed. judge is
// told of each call before, and says how long its answer is to be put off.
func (l *listener) serve(judge func(launch.DeniedCall) time.Duration) {
	defer l.close()                                // or who asks next would wait for ever
	_ = l.conn.Read(func(fd uintptr) (done bool) { // its error: closed
		for {
			ask := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			_, err := unix.Poll(ask, 0)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil || ask[0].Revents&^unix.POLLIN != 0: // POLLHUP: all have ended
				return true
			case ask[0].Revents == 0:
				return false // until there is something to read
			}
			// As it is readable this does not wait: it has one reader.
			call, err := launch.NextDenied(int(fd))
			switch {
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOENT):
			case err != nil:
				return true
			default:
				if later := judge(call); later > 0 {
					time.AfterFunc(later, func() { l.deny(call) })
				} else {
					_ = call.Deny(int(fd)) // killed meanwhile
				}
			}
		}
	})
}

func (l *listener) deny(call launch.DeniedCall) {
	// Closed, or killed meanwhile: nobody waits.
	_ = l.conn.Control(func(fd uintptr) { _ = call.Deny(int(fd)) })
}

func (l *listener) close() {
	if l != nil {
		_ = l.file.Close() // or it was closed before
	}
}
