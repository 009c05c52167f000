//go:build linux

package memory

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// gaugePeriod is the time between two looks at the counters. The peaks among
// them are the kernel's own and miss nothing, but they go with the container.
const gaugePeriod = 10 * time.Millisecond

// A gauge reads the counters of a container during an attack.
type gauge struct {
	c      *Container
	before counters
	last   counters
	quit   chan struct{}
	done   chan struct{}
	end    func() // ends the looks, once, and waits for that
}

// counters are what there is to count; amounts in bytes.
type counters struct {
	kills, groupKills, machineKills, limitHits int64

	peak, tcp, server int64
	throttled         time.Duration
}

// startGauge notes in m what is there at rest, and resets every peak.
func (c *Container) startGauge(m *Measurement) (*gauge, error) {
	g := &gauge{c: c, quit: make(chan struct{}), done: make(chan struct{})}
	var errs [5]error
	m.Limit, errs[0] = c.group.limit()
	m.Rest, _, errs[1] = c.group.charge()
	if c.fresh == 0 {
		c.fresh = m.Rest
	}
	errs[2] = c.group.resetPeak()
	errs[3] = c.resetServerPeak()
	errs[4] = c.count(&g.before)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("before the attack: %w", err)
	}
	g.last = g.before
	g.end = sync.OnceFunc(func() { close(g.quit); <-g.done })
	go g.watch()
	return g, nil
}

// leftOver is how much more than a fresh container's the charge at rest is, in bytes, where
// attacks have left so much for the kernel to take back.
const leftOver = 64 << 20

// Rested reports whether the container is as one is in which nothing has happened yet.
func (c *Container) Rested() (bool, error) {
	charge, _, err := c.group.charge()
	return charge <= c.fresh+leftOver, err
}

// watch looks until it is ended or the container is gone.
func (g *gauge) watch() {
	defer close(g.done)
	tick := time.NewTicker(gaugePeriod)
	defer tick.Stop()
	for {
		now := g.last
		err := g.c.count(&now)
		now.tcp = max(now.tcp, g.last.tcp) // the kernel has no peak for it in v2
		g.last = now
		if err != nil {
			return
		}
		select {
		case <-g.quit:
			return
		case <-tick.C:
		}
	}
}

// finish takes a last look and notes in m what has come of the attack. Of a
// container that is gone it is what was seen last.
func (g *gauge) finish(m *Measurement) error {
	g.end()
	now := g.last
	err := g.c.count(&now)
	m.Kills = now.kills - g.before.kills
	m.GroupKills = now.groupKills - g.before.groupKills
	m.MachineKills = now.machineKills - g.before.machineKills
	m.LimitHits = now.limitHits - g.before.limitHits
	m.Throttled = now.throttled - g.before.throttled
	m.Peak, m.PeakTCP, m.ServerPeak = now.peak, max(now.tcp, g.last.tcp), now.server
	if err != nil && g.c.Same() {
		return fmt.Errorf("after the attack: %w", err)
	}
	return nil
}

// count reads all counters. What can't be read stays as it was: of a server that was
// killed its cgroup may still tell by what.
func (c *Container) count(n *counters) error {
	return errors.Join(
		note(&n.kills, c.group.oomKills),
		note(&n.groupKills, c.group.groupKills),
		note(&n.machineKills, machineKills),
		note(&n.limitHits, c.group.limitHits),
		note(&n.peak, c.group.peakCharge),
		note(&n.tcp, func() (int64, error) { _, tcp, err := c.group.charge(); return tcp, err }),
		note(&n.server, c.serverPeak),
		note(&n.throttled, func() (time.Duration, error) { return throttled(c.Server.PID) }),
	)
}

// note keeps what was read, if it was.
func note[N int64 | time.Duration](in *N, read func() (N, error)) error {
	n, err := read()
	if err == nil {
		*in = n
	}
	return err
}

// resetServerPeak lets VmHWM begin at now (proc_pid_clear_refs(5): 5).
func (c *Container) resetServerPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.Server.PID), []byte("5"), 0)
}

// serverPeak is the most that was resident of the server since then, in bytes.
// A zombie has no such line, which is an error.
func (c *Container) serverPeak() (int64, error) {
	file := fmt.Sprintf("/proc/%d/status", c.Server.PID)
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	kib, err := fieldOf(text, file, "VmHWM:")
	return kib << 10, err
}
