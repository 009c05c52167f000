//go:build linux

package memory

import (
	"context"
	"errors"
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
	// LivezBound is what the 99th percentile must not exceed, see livezMay.
	LivezBound = 50 * time.Millisecond
	// livezMost is the most that is ever allowed: half of what a failed check counts.
	livezMost = livezTimeout / 2
	// quotaPeriod is how long the kernel keeps those from the CPU at most that have
	// used up their share (cpu.cfs_period_us).
	quotaPeriod = 100 * time.Millisecond
	// livezLeast is how many checks it takes for the 99th percentile not to be
	// the maximum. With fewer, the 95th counts.
	livezLeast = 100
)

// Latency is how long health checks took. A failed one counts as livezTimeout.
type Latency struct {
	Checks int           `json:"checks"`
	Failed int           `json:"failed"`
	Why    string        `json:"why,omitempty"` // of the last that failed
	P50    time.Duration `json:"p50_ns"`
	P95    time.Duration `json:"p95_ns"`
	P99    time.Duration `json:"p99_ns"`
	Max    time.Duration `json:"max_ns"`
}

// Late reports whether the checks took longer than they may.
func (l Latency) Late(may time.Duration) bool {
	if l.Checks < livezLeast {
		return l.P95 > may
	}
	return l.P99 > may
}

// livezMay is how long health checks may take meanwhile: LivezBound, and what is not
// the server's doing. That is what a trivial server took beside the container, the time
// in which the kernel takes down here what the attack charged, what a trivial server in the
// container's place would take behind a crowd, if the attack is one, and the container's
// pause where it has a share of all cores instead of one.
func (c *Container) livezMay(m *Measurement, a Attack) time.Duration {
	may := LivezBound + m.Noise.P99 + c.stall.of(m.Rise())
	if a.Client != nil {
		may += time.Duration(c.queue)
	}
	if c.cpu == Quota {
		may += quotaPeriod
	}
	return min(may, livezMost)
}

// A prober asks /livez as a kubelet does, on a connection of its own each time,
// and does not wait for one answer before it asks again: a stall is seen by every
// check that falls into it.
type prober struct {
	client *http.Client
	url    string
	quit   context.CancelFunc
	checks sync.WaitGroup

	mu    sync.Mutex
	took  []time.Duration
	fails int
	why   error // of the last that failed
}

func startProber(url string) *prober {
	ctx, cancel := context.WithCancel(context.Background())
	p := &prober{
		client: &http.Client{Timeout: livezTimeout, Transport: &http.Transport{DisableKeepAlives: true}},
		url:    url + "/livez",
		quit:   cancel,
	}
	p.checks.Go(func() { p.loop(ctx) })
	return p
}

func (p *prober) loop(ctx context.Context) {
	tick := time.NewTicker(livezPeriod)
	defer tick.Stop()
	for {
		p.checks.Go(p.check)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p *prober) check() {
	began := time.Now()
	err := p.alive()
	took := time.Since(began)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.fails++
		p.why = err
		took = max(took, livezTimeout)
	}
	p.took = append(p.took, took)
}

// alive returns nil when the server says that it is.
func (p *prober) alive() error {
	resp, err := p.client.Get(p.url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// stop sends no more checks and waits for those that are under way. It may be
// called again.
func (p *prober) stop() Latency {
	p.quit()
	p.checks.Wait()
	l := Latency{Checks: len(p.took), Failed: p.fails}
	if p.why != nil {
		l.Why = p.why.Error()
	}
	if l.Checks > 0 {
		l.P50, l.P95 = cell.Quantile(p.took, 0.5), cell.Quantile(p.took, 0.95)
		l.P99, l.Max = cell.Quantile(p.took, 0.99), cell.Quantile(p.took, 1)
	}
	return l
}
