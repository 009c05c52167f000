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
	kills, machineKills, limitHits int64
	peak, tcp, server              int64
	throttled                      time.Duration
}

// startGauge notes in m what is there at rest, and resets every peak.
func (c *Container) startGauge(m *Measurement) (*gauge, error) {
	g := &gauge{c: c, quit: make(chan struct{}), done: make(chan struct{})}
	var errs [5]error
	m.Limit, errs[0] = c.group.limit()
	m.Rest, _, errs[1] = c.group.charge()
	errs[2] = c.group.resetPeak()
	errs[3] = c.resetServerPeak()
	g.before, errs[4] = c.count()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("before the attack: %w", err)
	}
	g.last = g.before
	g.end = sync.OnceFunc(func() { close(g.quit); <-g.done })
	go g.watch()
	return g, nil
}

// watch looks until it is ended or the container is gone.
func (g *gauge) watch() {
	defer close(g.done)
	tick := time.NewTicker(gaugePeriod)
	defer tick.Stop()
	for {
		now, err := g.c.count()
		if err != nil {
			return
		}
		now.tcp = max(now.tcp, g.last.tcp) // the kernel has no peak for it in v2
		g.last = now
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
	now, err := g.c.count()
	if err != nil {
		now = g.last
	}
	m.Kills = now.kills - g.before.kills
	m.MachineKills = now.machineKills - g.before.machineKills
	m.LimitHits = now.limitHits - g.before.limitHits
	m.Throttled = now.throttled - g.before.throttled
	m.Peak, m.PeakTCP, m.ServerPeak = now.peak, max(now.tcp, g.last.tcp), now.server
	if err != nil && g.c.Same() {
		return fmt.Errorf("after the attack: %w", err)
	}
	return nil
}

// count reads all counters.
func (c *Container) count() (n counters, err error) {
	var errs [7]error
	n.kills, errs[0] = c.group.oomKills()
	n.machineKills, errs[1] = machineKills()
	n.limitHits, errs[2] = c.group.limitHits()
	n.peak, errs[3] = c.group.peakCharge()
	_, n.tcp, errs[4] = c.group.charge()
	n.server, errs[5] = c.serverPeak()
	n.throttled, errs[6] = throttled(c.Server.PID)
	return n, errors.Join(errs[:]...)
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
