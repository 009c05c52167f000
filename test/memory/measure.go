//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"codecell/test/e2e/cell"
)

const (
	// attackTimeout bounds one attack, the soak's own time not counted.
	attackTimeout = 3 * time.Minute
	// attackLeast is how long an attack goes on at least: one that is over
	// sooner is made again. It is time for enough health checks that the 99th
	// percentile is not one stall of the machine.
	attackLeast = 3 * livezLeast * livezPeriod
	// idleTimeout bounds the wait for every permit: a run's longest time, the
	// server's longest wait for a client that has gone, and air.
	idleTimeout = 45 * time.Second
	// runTimeout is what a program of the corpus may take, in the server's own
	// time. It is the most that may be asked for.
	runTimeout = 30 * time.Second
)

// Measurement is what one attack did to one container. Amounts are in bytes.
type Measurement struct {
	Attack        string  `json:"attack"`
	Route         string  `json:"route"`
	Configuration string  `json:"configuration"`
	Seconds       float64 `json:"seconds"`

	// Kills are the kernel's in this container, one for each process. GroupKills are
	// how often it took all of them at once (cgroup v2 only). MachineKills are those
	// anywhere, of other containers too: they are shown and not judged.
	Kills        int64 `json:"oom_kills"`
	GroupKills   int64 `json:"oom_group_kills"`
	MachineKills int64 `json:"machine_oom_kills"`
	LimitHits    int64 `json:"limit_hits"` // charges that met the limit, page cache included

	Limit      int64 `json:"limit"`
	MemoryLine int64 `json:"memory_line"`
	Rest       int64 `json:"charge_at_rest"`
	Peak       int64 `json:"peak_charge"`
	PeakTCP    int64 `json:"peak_tcp"` // as sampled, part of Peak

	// RunsMay is the weight of as many runs as there are slots, and the volume that they
	// work in; what runs charge above it the memory line must have seen.
	RunsMay int64 `json:"runs_may"`

	ServerPeak int64 `json:"server_peak_rss"`
	ServerMay  int64 `json:"server_may"` // its part of the reserve

	Seen map[Seen]int `json:"answers"`
	Ends map[End]int  `json:"ends"`

	Livez Latency `json:"livez"`
	// Noise is how long the same took a trivial server outside.
	Noise Latency `json:"noise"`
	// LivezMay is what Livez may be at its 99th percentile.
	LivezMay time.Duration `json:"livez_may_ns"`
	// Throttled is how long all of the container was kept from the CPU because
	// it had used up its share. Nothing in it can answer meanwhile.
	Throttled time.Duration `json:"throttled_ns"`

	// Outside is what the program charged without the jail beyond what an empty
	// program does, at least; 0 when
	// that was not tried. OutsideKilled says that the kernel put an end to it.
	Outside       int64 `json:"outside,omitempty"`
	OutsideKilled bool  `json:"outside_killed,omitempty"`

	// Breaches are what must not be. None: the promise held.
	Breaches []Breach `json:"breaches"`
	// Repeated says that only health checks were late here, and that the attack was
	// made again, on a new container: what was measured then counts instead.
	Repeated bool `json:"repeated,omitempty"`
}

// OnlyLate reports whether health checks took too long and nothing else was off. On a
// virtual machine that may be its host's doing; a kill never is.
func (m *Measurement) OnlyLate() bool {
	return len(m.Breaches) > 0 && !slices.ContainsFunc(m.Breaches, func(b Breach) bool { return b.Of != Livez })
}

// Rise is the attack's own part of the peak.
func (m *Measurement) Rise() int64 { return max(0, m.Peak-m.Rest) }

// Line is the measurement in one line, for whoever waits.
func (m *Measurement) Line() string {
	state := "held"
	switch {
	case m.Repeated:
		state = "made again, for it was late: " + m.Off()
	case len(m.Breaches) > 0:
		state = "OFF: " + m.Off()
	}
	return fmt.Sprintf("%s: peak %d of %d MiB, %d kills, %s, %.0f s: %s",
		m.Attack, m.Peak>>20, m.Limit>>20, m.Kills, m.Story(), m.Seconds, state)
}

// Story says how often which answer and which end was seen.
func (m *Measurement) Story() string {
	var parts []string
	for _, seen := range slices.Sorted(maps.Keys(m.Seen)) {
		parts = append(parts, fmt.Sprintf("%dx %s", m.Seen[seen], seen))
	}
	for _, end := range slices.Sorted(maps.Keys(m.Ends)) {
		parts = append(parts, fmt.Sprintf("%d %s", m.Ends[end], end))
	}
	return strings.Join(parts, ", ")
}

// A Breach is one thing that must not be.
type Breach struct {
	Of   Part   `json:"of"`
	Text string `json:"text"`
}

// A Part is what of the promise a breach is of.
type Part string

// The parts of the promise.
const (
	Kills   Part = "kills"
	Charge  Part = "charge" // of the container, its runs or its server
	Livez   Part = "livez"
	Answers Part = "answers" // and how runs end
	Server  Part = "server"  // its process
	Permits Part = "permits"
	Control Part = "control" // the attack's, outside of the jail
	Made    Part = "made"    // the attack, to its end
)

func (m *Measurement) breach(of Part, format string, args ...any) {
	m.Breaches = append(m.Breaches, Breach{of, fmt.Sprintf(format, args...)})
}

// Off is the breaches in words.
func (m *Measurement) Off() string {
	var texts []string
	for _, b := range m.Breaches {
		texts = append(texts, b.Text)
	}
	return strings.Join(texts, "; ")
}

// Measure makes the attack and measures the container meanwhile. The container
// must be at rest. An error says that something could not be measured, or that
// ctx was done before; what went wrong in the container, or with the attack, is
// a breach.
func (c *Container) Measure(ctx context.Context, a Attack, claim Claim, soak time.Duration) (*Measurement, error) {
	m := &Measurement{
		Attack: a.Name, Route: a.Route,
		MemoryLine: (claim.Budget.LimitMiB - lineMiB) << 20,
		RunsMay:    (int64(claim.Budget.Slots)*claim.Budget.RunMiB + claim.Budget.ScratchMiB) << 20,
		ServerMay:  claim.ServerPart(),
	}
	gauge, err := c.startGauge(m)
	if err != nil {
		return nil, err
	}
	defer gauge.end()
	watch, err := startWatch(ctx, c.livez, c.URL)
	if err != nil {
		return nil, err
	}

	t := &Target{
		URL: c.URL, Addr: c.URL[len("http://"):], Slots: claim.Budget.Slots,
		Server: c.Server, SoakFor: soak, Has: c.has,
	}
	began := time.Now()
	attacked := c.attack(ctx, a, t, attackTimeout+soak)
	m.Seconds = time.Since(began).Seconds()
	health, unwatched := watch.stop()
	m.Livez, m.Noise = health.Livez, health.Noise
	if !a.EndsServer && c.Same() {
		c.settle(ctx, m)
	}
	measured := errors.Join(gauge.finish(m), unwatched)
	m.Seen, m.Ends = t.counts()
	c.judge(m, a)
	if attacked != nil {
		m.breach(Made, "%v", attacked)
	}
	return m, errors.Join(ctx.Err(), measured)
}

// lineMiB is how far below the limit docs/memory.md has the memory line.
const lineMiB = 64

// attack makes the attack; one that does not come to its end is a fault of the
// attack's.
func (c *Container) attack(ctx context.Context, a Attack, t *Target, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	var err error
	for began := time.Now(); err == nil && ctx.Err() == nil; {
		if a.Client != nil {
			err = a.Client(ctx, t)
		} else {
			postProgram(ctx, a.Program, t)
		}
		if a.EndsServer || !c.Same() || time.Since(began) >= attackLeast {
			break
		}
	}
	if ctx.Err() != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", a.Name, ctx.Err()))
	}
	return err
}

// postProgram posts the program from one client more than there are slots, all
// at once.
func postProgram(ctx context.Context, program string, t *Target) {
	client := t.Client(2 * runTimeout)
	defer client.Close()
	var wg sync.WaitGroup
	for range t.Slots + 1 {
		wg.Go(func() {
			_, _ = t.Execute(ctx, client, cell.Request{Code: program, Timeout: runTimeout.Seconds()}) // counted
		})
	}
	wg.Wait()
}
