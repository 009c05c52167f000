//go:build linux

package memory

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
)

// good is a measurement of a server that is this very process, and in which
// nothing is off.
func good(t *testing.T) (*Container, *Measurement, Attack) {
	t.Helper()
	self, err := cell.Process(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	m := &Measurement{
		Limit: 704 << 20, MemoryLine: 640 << 20, Rest: 20 << 20, Peak: 500 << 20,
		RunsMay: 515 << 20, ServerPeak: 20 << 20, ServerMay: 56 << 20,
		Seen: map[Seen]int{Served: 1, Full: 1}, Ends: map[End]int{MemoryError: 1},
		Livez: Latency{Checks: 100, P99: LivezBound},
	}
	return &Container{Server: self, cpu: Core, exited: make(chan struct{})}, m, Attack{Program: "x", Ends: []End{MemoryError}}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	c, m, a := good(t)
	if c.judge(m, a); len(m.Breaches) > 0 {
		t.Fatalf("nothing is off, but: %q", m.Breaches)
	}
	for _, off := range []struct {
		name string
		make func(*Container, *Measurement, *Attack)
		want string
	}{
		{"a kill", func(_ *Container, m *Measurement, _ *Attack) { m.Kills = 1 }, "killed"},
		{"the limit was met", func(_ *Container, m *Measurement, _ *Attack) { m.LimitHits = 3 }, "3 times"},
		{"charge at the limit", func(_ *Container, m *Measurement, a *Attack) {
			m.Peak, a.Ends = m.Limit, append(a.Ends, MemoryLimit)
		}, "704 of 704"},
		{"more than a run weighs", func(_ *Container, m *Measurement, _ *Attack) { m.Peak = 600 << 20 }, "580 MiB, weigh 515"},
		{"a large server", func(_ *Container, m *Measurement, _ *Attack) { m.ServerPeak = 57 << 20 }, "57 MiB, reserve has 56"},
		{"late health checks", func(_ *Container, m *Measurement, _ *Attack) { m.Livez.P99++ }, "livez"},
		{"later than the kernel may need", func(c *Container, m *Measurement, _ *Attack) {
			m.Peak = m.Rest + StallMiB<<20
			c.stall = Stall(time.Second)
			m.Livez.P99 += time.Second + 1
		}, "livez"},
		{"health checks that fail", func(_ *Container, m *Measurement, _ *Attack) { m.Livez.Failed = 2 }, "failed 2 times"},
		{"few of them, and late", func(_ *Container, m *Measurement, _ *Attack) {
			m.Livez = Latency{Checks: 99, P95: LivezBound + 1}
		}, "livez"},
		{"an answer of ours that is none of the attack's", func(_ *Container, m *Measurement, _ *Attack) { m.Seen["500 internal"] = 1 }, "500 internal"},
		{"a 429 of somebody else's", func(_ *Container, m *Measurement, _ *Attack) { m.Seen["429"] = 1 }, `"429"`},
		{"no answer", func(_ *Container, m *Measurement, _ *Attack) { m.Seen[Closed] = 1 }, "closed"},
		{"nothing seen", func(_ *Container, m *Measurement, _ *Attack) { m.Seen = nil }, "nothing was seen"},
		{"an end that is none of the attack's", func(_ *Container, m *Measurement, _ *Attack) { m.Ends[Crashed] = 1 }, "crashed"},
		{"out of time before it had charged anything", func(_ *Container, m *Measurement, a *Attack) {
			a.Outside, m.Ends[Timeout] = 481, 1
		}, "timeout"},
		{"out of time, and after no memory", func(_ *Container, m *Measurement, _ *Attack) { m.Ends[Timeout] = 1 }, "timeout"},
		{"an end that is nobody's", func(_ *Container, m *Measurement, a *Attack) {
			m.Ends["lost"], a.Program, a.Ends = 1, "", nil
		}, "lost"},
		{"no run", func(_ *Container, m *Measurement, _ *Attack) { m.Ends = nil }, "no run"},
		{"another process", func(c *Container, _ *Measurement, _ *Attack) { c.Server.Start++ }, "gone"},
	} {
		t.Run(off.name, func(t *testing.T) {
			t.Parallel()
			c, m, a := good(t)
			off.make(c, m, &a)
			if !c.Same() {
				close(c.exited)
			}
			c.judge(m, a)
			if len(m.Breaches) != 1 || !strings.Contains(m.Breaches[0].Text, off.want) {
				t.Errorf("want one breach with %q, have %q", off.want, m.Breaches)
			}
		})
	}
}

func TestJudgeAllowsWhatTheAttackSays(t *testing.T) {
	t.Parallel()
	c, m, a := good(t)
	// The memory line lets page tables exceed what a run weighs.
	a.Ends, m.Ends, m.Peak = []End{MemoryLimit}, map[End]int{MemoryLimit: 1}, 640<<20
	a.Answers, m.Seen = []Seen{Closed}, map[Seen]int{Closed: 7}
	// A slow machine has three of them run out of time, with all that one has to charge.
	a.Outside, m.Ends[Timeout] = 620, 2
	// One late check in less than a hundred is no percentile.
	m.Livez = Latency{Checks: 99, P99: time.Second, Max: time.Second}
	if c.judge(m, a); len(m.Breaches) > 0 {
		t.Errorf("%q", m.Breaches)
	}
	// What fills the kernel's own caches meets the limit, and so may any end be where there is
	// more to be had than the header knows of.
	m.Peak, m.LimitHits, a.MeetsLimit = m.Limit, 9, true
	c.has, m.Ends[Crashed] = Files, 1
	if c.judge(m, a); len(m.Breaches) > 0 {
		t.Errorf("%q", m.Breaches)
	}
	if a.Needs = Files; !c.mayEnd(a, MemoryLimit, 0) || c.mayEnd(a, Crashed, 0) {
		t.Error("a program that is made for files may end as its header says")
	}
}

func TestLivezMay(t *testing.T) {
	t.Parallel()
	m := &Measurement{Noise: Latency{P99: 3 * time.Millisecond}, Rest: 10 << 20, Peak: (10 + StallMiB/2) << 20}
	c := &Container{cpu: Core, stall: Stall(180 * time.Millisecond), queue: Queue(time.Millisecond)}
	if may := c.livezMay(m, Attack{Program: "x"}); may != LivezBound+93*time.Millisecond {
		t.Error(may)
	}
	client := Attack{Client: func(context.Context, *Target) error { return nil }}
	if may := c.livezMay(m, client); may != LivezBound+94*time.Millisecond {
		t.Error(may)
	}
	c.cpu = Quota
	if may := c.livezMay(new(Measurement), Attack{Program: "x"}); may != LivezBound+quotaPeriod {
		t.Error(may)
	}
	c.queue = Queue(time.Minute)
	if may := c.livezMay(m, client); may != livezMost {
		t.Error(may)
	}
}

func TestJudgeOutside(t *testing.T) {
	t.Parallel()
	a := Attack{Outside: 100}
	for _, c := range []struct {
		m    Measurement
		good bool
	}{
		{Measurement{Outside: 100 << 20}, true},
		{Measurement{Outside: 100<<20 - 1}, false},
		{Measurement{Outside: 1, OutsideKilled: true}, true},
	} {
		m := c.m
		if m.JudgeOutside(a); (len(m.Breaches) == 0) != c.good {
			t.Errorf("%+v: %q", c.m, m.Breaches)
		}
	}
}

func TestProberSeesEveryCheckOfAStall(t *testing.T) {
	t.Parallel()
	const stall = 10 * livezPeriod
	open := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/livez" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		<-open
	}))
	defer s.Close()
	p := startProber(s.URL)
	time.AfterFunc(stall, func() { close(open) })
	<-open
	l := p.stop()
	if l.Checks < 3 || l.Max < stall/2 || l.P50 == l.Max || !slices.IsSorted([]time.Duration{l.P50, l.P95, l.P99, l.Max}) || !l.Late(LivezBound) {
		t.Errorf("%+v", l)
	}
}

func TestProberCountsFailures(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		asked <- struct{}{}
	}))
	defer s.Close()
	p := startProber(s.URL)
	<-asked
	if l := p.stop(); l.Failed != l.Checks || l.Failed == 0 || l.P50 < livezTimeout || !l.Late(LivezBound) {
		t.Errorf("%+v", l)
	}
}
