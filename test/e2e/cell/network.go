//go:build linux

package cell

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A dialer is an http.Transport's DialContext.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// dialWhere returns a dialer that connects from the network namespace in which the
// process is by then. The address must be a number: what net does for a name it does
// on other threads.
func dialWhere(pid int) dialer {
	return func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		// The thread comes back, and must not end: it may be the one that started the
		// server, which would end with it (Pdeathsig, prctl(2)).
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		here, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return nil, err
		}
		defer here.Close()
		there, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			return nil, err
		}
		defer there.Close()
		if err := enterNetwork(there); err != nil {
			return nil, err
		}
		defer func() {
			if back := enterNetwork(here); back != nil {
				panic(back) // every later test on this thread would be in the wrong place
			}
		}()
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// enterNetwork moves the calling thread.
func enterNetwork(namespace *os.File) error {
	return os.NewSyscallError("setns", unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET))
}
