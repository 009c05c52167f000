package sandbox

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A control is our end of a run's control socket. What the run says there is
// read when it has ended, not before: until then nothing depends on it, and being
// woken for it would cost a short run a tenth of its time. A run that says more
// than the socket holds waits for its deadline.
type control struct {
	fd   int
	file *os.File // in place of fd, once a program was too long to be written at once
}

// send gives the run its program. A long one goes through Go's poller, as fast
// as the run reads; finish then waits for it.
func (c *control) send(msg []byte) (finish func()) {
	for len(msg) > 0 {
		n, err := unix.Write(c.fd, msg)
		switch {
		case err == nil:
			msg = msg[n:]
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			c.file = os.NewFile(uintptr(c.fd), "control")
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = c.file.Write(msg) // EPIPE: the run ended without reading all
			}()
			return func() { <-done }
		default:
			return func() {} // as above
		}
	}
	return func() {}
}

// Read implements io.Reader for a run that has ended: what is not there by now
// will not come.
func (c *control) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(c.fd, p)
		switch {
		case err == nil && n > 0:
			return n, nil
		case errors.Is(err, unix.EINTR):
		default:
			return 0, io.EOF // the end, or ECONNRESET: it left something unread
		}
	}
}

func (c *control) close() {
	switch {
	case c.file != nil:
		_ = c.file.Close() // read to its end already
	case c.fd > 0:
		_ = unix.Close(c.fd)
	}
}
