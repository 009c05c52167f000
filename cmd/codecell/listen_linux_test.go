package main

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"codecell/function"

	"golang.org/x/sys/unix"
)

// dialSmallBuffer connects with the smallest receive buffer that the kernel gives.
func dialSmallBuffer(t *testing.T, addr string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) error {
		return control(c, func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1) })
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAcceptedConnectionInheritsBuffers(t *testing.T) {
	t.Parallel()
	l, err := listen(t.Context(), 0, true)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for name, got := range buffers(t, conn) {
		if got != 2*function.SocketBuffer {
			t.Errorf("%s is %d, want %d", name, got, 2*function.SocketBuffer)
		}
	}
}

// A kernel may leave the listener's buffers to the listener.
func TestLobbyLimitsBuffers(t *testing.T) {
	t.Parallel()
	plain, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l := newConnCap(1, patience).Listen(plain)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	capped, ok := conn.(*cappedConn)
	if !ok {
		t.Fatalf("the lobby gave a %T", conn)
	}
	for name, got := range buffers(t, capped) {
		if got > 2*function.SocketBuffer {
			t.Errorf("%s is %d, want %d at most", name, got, 2*function.SocketBuffer)
		}
	}
}

// buffers are the sizes of a socket's.
func buffers(t *testing.T, conn syscall.Conn) map[string]int {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	for name, option := range map[string]int{"SO_SNDBUF": unix.SO_SNDBUF, "SO_RCVBUF": unix.SO_RCVBUF} {
		err := control(raw, func(fd int) error {
			size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option)
			sizes[name] = size
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	return sizes
}

func TestListenAddresses(t *testing.T) {
	t.Parallel()
	t.Run("loopback", func(t *testing.T) {
		t.Parallel()
		l, err := listen(t.Context(), 0, true)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if host, _, _ := net.SplitHostPort(l.Addr().String()); host != "127.0.0.1" {
			t.Errorf("listens on %s, want 127.0.0.1", host)
		}
	})
	t.Run("every interface", func(t *testing.T) {
		t.Parallel()
		l, err := listen(t.Context(), 0, false)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		host, port, _ := net.SplitHostPort(l.Addr().String())
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			t.Errorf("listens on %s, want every address", host)
		}
		reached := 0
		for _, loopback := range []string{"127.0.0.1", "::1"} {
			own, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
			if err != nil {
				continue // this machine lacks that family
			}
			own.Close()
			conn, err := net.Dial("tcp", net.JoinHostPort(loopback, port))
			if err != nil {
				t.Errorf("not reachable at %s: %v", loopback, err)
				continue
			}
			conn.Close()
			reached++
		}
		if reached == 0 {
			t.Error("reachable at no loopback address")
		}
	})
	t.Run("taken", func(t *testing.T) {
		t.Parallel()
		l, err := listen(t.Context(), 0, true)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			t.Fatalf("address of type %T", l.Addr())
		}
		if _, err := listen(t.Context(), addr.Port, true); err == nil || !strings.Contains(err.Error(), "is taken") {
			t.Errorf("a taken port: %v", err)
		}
	})
}
