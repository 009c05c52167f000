package main

import (
	"syscall"

	"codecell/function"

	"golang.org/x/sys/unix"
)

// limitBuffers bounds the memory of one socket, and of those accepted from it,
// to twice function.SocketBuffer in each direction (socket(7): the kernel doubles).
func limitBuffers(c syscall.RawConn) error {
	return control(c, func(fd int) error {
		for _, option := range []int{unix.SO_SNDBUF, unix.SO_RCVBUF} {
			if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, function.SocketBuffer); err != nil {
				return err
			}
		}
		return nil
	})
}

// limitSilence has the kernel ask peers that say nothing whether they are still there,
// as Go has it by default, and end the connection after two and a half minutes without
// an answer (tcp(7)): a run may be waited for by nobody. Accepted sockets inherit it.
func limitSilence(c syscall.RawConn) error {
	return control(c, func(fd int) error {
		for _, o := range []struct{ level, option, value int }{
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 15},
			{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 15},
			{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 9},
		} {
			if err := unix.SetsockoptInt(fd, o.level, o.option, o.value); err != nil {
				return err
			}
		}
		return nil
	})
}

// limitAccepted is limitBuffers for an accepted socket that has a larger buffer than
// that, as the kernel did not pass the listener's on. Linux does. gVisor passes on the
// receive buffer alone, as a size to begin with; with none set, its sockets take 1 MiB
// to send, and up to 4 MiB in each direction as they see fit.
func limitAccepted(conn syscall.Conn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	size := 0
	err = control(raw, func(fd int) error {
		size, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
		return err
	})
	if err != nil || size <= 2*function.SocketBuffer {
		return err
	}
	return limitBuffers(raw)
}

// serveBoth makes an IPv6 socket that is not bound yet take IPv4 as well, whatever
// net and the machine (net.ipv6.bindv6only) have it do (ipv6(7)).
func serveBoth(c syscall.RawConn) error {
	return control(c, func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0) })
}

// outgoing is how many bytes were written to the connection that its peer has not
// acknowledged yet (SIOCOUTQ, tcp(7); gVisor has no such call), kernel memory of ours, and,
// where there are any, how many it has acknowledged in all.
func outgoing(conn syscall.Conn) (pending int, taken uint64, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	err = control(raw, func(fd int) error {
		if pending, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ); err != nil || pending == 0 {
			return err
		}
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return err
		}
		taken = info.Bytes_acked
		if info.State == unix.BPF_TCP_CLOSE {
			pending = 0
		}
		return nil
	})
	return pending, taken, err
}

// unacknowledged is how many bytes of what was written to the connection are pending.
func unacknowledged(conn syscall.Conn) (n int, err error) {
	n, _, err = outgoing(conn)
	return n, err
}

// unread is how many bytes have arrived on the connection that nobody has read yet
// (SIOCINQ, tcp(7)).
func unread(conn syscall.Conn) (n int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = control(raw, func(fd int) error {
		n, err = unix.IoctlGetInt(fd, unix.SIOCINQ)
		return err
	})
	return n, err
}

// peek copies what has arrived on the connection and is to be read first, without
// waiting and without taking it. 0 bytes and no error: its peer has ended.
func peek(conn syscall.Conn, b []byte) (n int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = control(raw, func(fd int) error {
		n, _, err = unix.Recvfrom(fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return err
	})
	return n, err
}

// resetOnClose makes the close of a socket's last descriptor drop what its peer
// has not acknowledged, and tell the peer so (RST), instead of leaving it to
// the kernel to hold for minutes.
func resetOnClose(conn syscall.Conn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
	})
}

// control runs f on the descriptor and returns the error of either.
func control(c syscall.RawConn, f func(fd int) error) error {
	var failed error
	if err := c.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}
