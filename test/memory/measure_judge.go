//go:build linux

package memory

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"codecell/test/e2e/cell"
)

// judge compares what was measured with what the promise says.
func (c *Container) judge(m *Measurement, a Attack) {
	switch {
	case m.GroupKills > 0:
		m.breach(Kills, "the kernel killed the whole container, %d processes", m.Kills)
	case m.Kills > 0:
		m.breach(Kills, "the kernel killed %d", m.Kills)
	}
	if m.LimitHits > 0 && !c.mayMeetLimit(a) {
		m.breach(Charge, "the limit was met %d times", m.LimitHits)
	}
	if m.Peak >= m.Limit && !c.mayMeetLimit(a) {
		m.breach(Charge, "charge %d of %d MiB", m.Peak>>20, m.Limit>>20)
	}
	if m.ServerPeak > m.ServerMay {
		m.breach(Charge, "server %d MiB, reserve has %d", m.ServerPeak>>20, m.ServerMay>>20)
	}
	// What no weight covers is the memory line's, and the program must say so.
	if rise := m.Rise(); a.Program != "" && rise > m.RunsMay && !slices.Contains(a.Ends, MemoryLimit) {
		m.breach(Charge, "runs charged %d MiB, weigh %d", rise>>20, m.RunsMay>>20)
	}
	m.LivezMay = c.livezMay(m, a)
	fail := int64(100) // one in so many health checks may
	switch {
	case a.EndsServer:
	case c.mayMeetLimit(a):
		fail = 10
	case m.Livez.Late(m.LivezMay):
		m.breach(Livez, "livez p95 %v, p99 %v, may be %v; %d of %d failed %s", m.Livez.P95.Round(time.Millisecond),
			m.Livez.P99.Round(time.Millisecond), m.LivezMay.Round(time.Millisecond), m.Livez.Failed, m.Livez.Checks, m.Livez.Why)
	}
	if int64(m.Livez.Failed)*fail > int64(m.Livez.Checks) && !a.EndsServer {
		m.breach(Livez, "livez failed %d times of %d: %s", m.Livez.Failed, m.Livez.Checks, m.Livez.Why)
	}
	for seen, n := range m.Seen {
		if !a.mayBe(seen) {
			m.breach(Answers, "%d answers %q", n, seen)
		}
	}
	for end, n := range m.Ends {
		if a.Program != "" && !c.mayEnd(a, end, m.Rise()) || !slices.Contains(ends, end) {
			m.breach(Answers, "%d runs ended %q", n, end)
		}
	}
	if a.Program != "" && len(m.Ends) == 0 {
		m.breach(Answers, "no run came to an end")
	}
	if len(m.Seen) == 0 {
		m.breach(Answers, "nothing was seen of the server")
	}
	switch {
	case a.EndsServer:
		c.judgeEnd(m)
	case !c.Same():
		m.breach(Server, "the server's process is gone: %v", c.exitError())
	}
	slices.SortStableFunc(m.Breaches, func(a, b Breach) int { // maps have no order
		return strings.Compare(a.Text, b.Text)
	})
}

// mayMeetLimit reports whether the attack, or one that the soak draws here, fills what the
// kernel takes back then. It takes back all of it at once, a second for 800,000 names on the machine
// where this was written, and whoever needs memory meanwhile waits: health checks too.
func (c *Container) mayMeetLimit(a Attack) bool {
	return a.MeetsLimit || c.has != Nothing && a.Name == SoakName
}

// mayEnd reports whether a run of the attack may end so here. What a program gets of the
// profile minimal is all that its header says; where there is more to be had, it goes on
// further, and may end in any way that there is.
func (c *Container) mayEnd(a Attack, end End, rise int64) bool {
	return a.mayEnd(end, rise) || a.Needs == Nothing && c.has != Nothing
}

// JudgeOutside compares what the program charged without the jail with what it
// must have, or it proves nothing.
func (m *Measurement) JudgeOutside(a Attack) {
	if want := int64(a.Outside) << 20; m.Outside < want && !m.OutsideKilled {
		m.breach(Control, "outside the jail it charged %d MiB, want %d: the control fails", m.Outside>>20, a.Outside)
	}
}

// judgeEnd waits for the server to end.
func (c *Container) judgeEnd(m *Measurement) {
	select {
	case <-c.exited:
		if c.err != nil {
			m.breach(Server, "the server ended with %v", c.err)
		}
	case <-time.After(stopTimeout):
		m.breach(Server, "the server has not ended")
	}
}

// settle waits until every permit is back and shows that the container works as
// it did before.
func (c *Container) settle(ctx context.Context, m *Measurement) {
	ctx, cancel := context.WithTimeout(ctx, idleTimeout)
	defer cancel()
	go func() { // a server that is gone gives nothing back
		select {
		case <-c.exited:
			cancel()
		case <-ctx.Done():
		}
	}()
	client := (&cell.Server{URL: c.URL}).Client(idleTimeout)
	defer client.Close()
	if err := waitIdle(ctx, client); err != nil {
		m.breach(Permits, "permits: %v", err)
		return
	}
	if a, err := client.Execute(ctx, cell.Request{Code: aMoment}); err != nil || !a.OK("42\n") {
		m.breach(Permits, "the next program: %v %v", a, err)
	}
	if a, err := client.Get(ctx, "/readyz"); err != nil || a.Status != http.StatusOK {
		m.breach(Permits, "readyz: %v %v", a, err)
	}
}

// aMoment takes long enough for the memory line to have looked.
const aMoment = "for n in range(2_000_000): pass\nprint(42)"

// waitIdle returns nil when nothing is in flight.
func waitIdle(ctx context.Context, client *cell.Client) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		p, err := client.Profile(ctx)
		if err == nil && p.Admission.InFlight == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d still taken after %v: %w", p.Admission.InFlight, idleTimeout, err)
		case <-tick.C:
		}
	}
}
