package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// listen opens the port: on 127.0.0.1 alone when loopback is set, else on every
// interface. The latter asks net for no address at all, which gives one socket
// for IPv6 and IPv4 where the machine has both and the one it has otherwise.
//
// The buffer sizes that function counts on are set on the listening socket,
// before listen(2): accepted connections inherit them, and the receive buffer
// has to be known by then for the window scale that the handshake offers. With
// none set, TCP's autotuning would go up to several megabytes.
func listen(ctx context.Context, port int, loopback bool) (*net.TCPListener, error) {
	host := ""
	if loopback {
		host = "127.0.0.1"
	}
	config := net.ListenConfig{
		Control: func(_, _ string, c syscall.RawConn) error { return limitBuffers(c) },
	}
	// On for listeners by default since Go 1.24; it queues data above the
	// sockets whose buffers are bounded here.
	config.SetMultipathTCP(false)
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken: stop the program that listens on it, or set PORT to a free one", port)
	}
	if errors.Is(err, syscall.EACCES) {
		return nil, fmt.Errorf("port %d needs a privilege that this process lacks: set PORT to one above 1023", port)
	}
	if err != nil {
		return nil, fmt.Errorf("can't open the port: %w", err)
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("can't open the port: net gave a %T for tcp, which is a bug here", l)
	}
	return tcp, nil
}
