//go:build linux

package memory

import (
	"fmt"
	"net"
	"net/http"
)

// noise asks the same of a trivial server of its own outside of the container,
// while the container is under attack: what that takes is the machine's part, and
// the attacking clients', of what livez takes. It is shown and not deducted.
type noise struct {
	server *http.Server
	probe  *prober
}

func startNoise() (*noise, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	n := &noise{server: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}}
	go n.server.Serve(l)
	n.probe = startProber("http://" + l.Addr().String())
	return n, nil
}

// stop may be called again.
func (n *noise) stop() Latency {
	defer n.server.Close()
	return n.probe.stop()
}
