package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// An address to listen on; network says which family, and is what net calls it.
type address struct{ network, host string }

// Where to listen, in the order in which it is tried: what comes second is for a
// machine that does not have the first.
//
// An empty host would leave the choice to net, which asks whether one socket can
// serve both families by binding one to ::ffff:127.0.0.1. On a machine with no
// loopback address but ::1 that fails, and net would listen for IPv4 alone.
var (
	everywhere   = []address{{"tcp6", "::"}, {"tcp4", "0.0.0.0"}}
	loopbackOnly = []address{{"tcp4", "127.0.0.1"}, {"tcp6", "::1"}}
)

// listen opens the port: on 127.0.0.1 alone when loopback is set, or on ::1 where
// that is the loopback address; else on every interface, with one socket for IPv6
// and IPv4.
//
// The buffer sizes that function counts on are set on the listening socket,
// before listen(2): accepted connections inherit them (see limitAccepted), and the
// receive buffer has to be known by then for the window scale that the handshake
// offers. With none set, TCP's autotuning would go up to several megabytes.
func listen(ctx context.Context, port int, loopback bool) (*net.TCPListener, error) {
	addresses := everywhere
	if loopback {
		addresses = loopbackOnly
	}
	var l net.Listener
	var err error
	for _, a := range addresses {
		config := net.ListenConfig{
			Control: func(_, _ string, c syscall.RawConn) error {
				if a.host == "::" {
					if err := serveBoth(c); err != nil {
						return err
					}
				}
				return errors.Join(limitBuffers(c), limitSilence(c))
			},
		}
		// On for listeners by default since Go 1.24; it queues data above the
		// sockets whose buffers are bounded here.
		config.SetMultipathTCP(false)
		// Set on the listening socket (limitSilence), from which accepted ones have it: four
		// system calls less for each connection, while a crowd connects.
		config.KeepAlive = -1
		l, err = config.Listen(ctx, a.network, net.JoinHostPort(a.host, strconv.Itoa(port)))
		if !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT) {
			break
		}
	}
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
