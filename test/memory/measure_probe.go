//go:build linux

package memory

// A Probe asks for /livez until it is stopped.
type Probe struct{ checks *prober }

// ProbeLivez begins to ask the server at url, as a kubelet would but more often.
func ProbeLivez(url string) *Probe { return &Probe{startProber(url)} }

// Stop asks no more, and returns how long the answers took. It may be called again.
func (p *Probe) Stop() Latency { return p.checks.stop() }
