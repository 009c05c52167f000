//go:build linux

package memory

import (
	"fmt"
	"net"
	"net/http"
)

// Noise asks a trivial server of its own for the same as a [Probe]: what that takes
// while a container is under attack is the machine's part of what livez takes, see
// livezMay.
type Noise struct {
	server *http.Server
	probe  *prober
}

// ProbeNoise begins to ask.
func ProbeNoise() (*Noise, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	n := &Noise{server: &http.Server{Handler: http.HandlerFunc(answerTrivially)}}
	go n.server.Serve(l)
	n.probe = startProber("http://" + l.Addr().String())
	return n, nil
}

// Stop asks no more, and returns how long the answers took. It may be called again.
func (n *Noise) Stop() Latency {
	defer n.server.Close()
	return n.probe.stop()
}
