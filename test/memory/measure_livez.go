//go:build linux

package memory

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"codecell/test/e2e/cell"
)

const (
	// livezPeriod is the time between two health checks.
	livezPeriod = 20 * time.Millisecond
	// livezTimeout is a kubelet's: after that the probe has failed.
	livezTimeout = time.Second
	// LivezBound is what the 99th percentile must not exceed.
	LivezBound = 50 * time.Millisecond
	// livezLeast is how many checks it takes for the 99th percentile not to be
	// the maximum. With fewer, the 95th counts.
	livezLeast = 100
)

// Latency is how long health checks took. A failed one counts as livezTimeout.
type Latency struct {
	Checks int           `json:"checks"`
	Failed int           `json:"failed"`
	P50    time.Duration `json:"p50_ns"`
	P95    time.Duration `json:"p95_ns"`
	P99    time.Duration `json:"p99_ns"`
	Max    time.Duration `json:"max_ns"`
}

// Late reports whether the checks took longer than LivezBound allows.
func (l Latency) Late() bool {
	if l.Checks < livezLeast {
		return l.P95 > LivezBound
	}
	return l.P99 > LivezBound
}

// A prober asks /livez as a kubelet does: on a connection of its own each time.
type prober struct {
	quit  context.CancelFunc
	done  chan struct{}
	close func()
	took  []time.Duration
	fails int
}

func startProber(url string) *prober {
	ctx, cancel := context.WithCancel(context.Background())
	p := &prober{quit: cancel, done: make(chan struct{})}
	p.close = sync.OnceFunc(func() { p.quit(); <-p.done })
	go p.loop(ctx, url+"/livez")
	return p
}

func (p *prober) loop(ctx context.Context, url string) {
	defer close(p.done)
	client := &http.Client{Timeout: livezTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(livezPeriod)
	defer tick.Stop()
	for {
		began := time.Now()
		alive := check(ctx, client, url)
		if ctx.Err() != nil {
			return
		}
		took := time.Since(began)
		if !alive {
			p.fails++
			took = max(took, livezTimeout)
		}
		p.took = append(p.took, took)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func check(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// stop ends the checks. It may be called again.
func (p *prober) stop() Latency {
	p.close()
	l := Latency{Checks: len(p.took), Failed: p.fails}
	if l.Checks > 0 {
		l.P50, l.P95 = cell.Quantile(p.took, 0.5), cell.Quantile(p.took, 0.95)
		l.P99, l.Max = cell.Quantile(p.took, 0.99), cell.Quantile(p.took, 1)
	}
	return l
}
