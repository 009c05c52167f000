package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTimeline: whatever the run and the zygote say, the steps follow each other
// without a gap and lie within the run's time by the server's clock.
func TestTimeline(t *testing.T) {
	t.Parallel()
	zero := time.Unix(1_800_000_000, 0)
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	never := time.Time{}
	// honest is a run that was forked on demand.
	honest := marks{
		begin: at(100), ordered: at(101), forked: at(110), jailed: at(120),
		begun: at(130), exited: at(180), end: at(190),
	}
	for _, c := range []struct {
		name   string
		change func(*marks)
		want   string // steps with their length in ms
		ahead  time.Duration
	}{
		{"honest", func(*marks) {}, "fork 10 jail 10 policy 10 program 50 reap 10", 0},
		{"parked long ago", func(m *marks) {
			m.parked, m.ordered, m.forked, m.jailed = true, at(0), at(3), at(7)
		}, "fork 0 jail 0 policy 30 program 50 reap 10", 7 * time.Millisecond},
		{"parked, and just being jailed", func(m *marks) {
			m.parked, m.ordered, m.forked, m.jailed = true, at(92), at(96), at(104)
		}, "fork 0 jail 4 policy 26 program 50 reap 10", 8 * time.Millisecond},
		{"killed in its program", func(m *marks) { m.killed = at(150) }, "fork 10 jail 10 policy 10 program 20 reap 40", 0},
		{"killed before it was forked", func(m *marks) { m.killed = at(105) }, "fork 5 reap 85", 0},
		{"refused by the policy", func(m *marks) { m.begun = never }, "fork 10 jail 10 policy 60 reap 10", 0},
		{"never jailed", func(m *marks) { m.jailed, m.begun = never, never }, "fork 10 jail 70 reap 10", 0},
		{"lost with its zygote", func(m *marks) { m.begun, m.exited = never, never }, "fork 10 jail 10 policy 70 reap 0", 0},
		{"not forked", func(m *marks) { m.forked, m.jailed, m.begun, m.exited = never, never, never, never }, "fork 90 reap 0", 0},
		{"begun before it was jailed", func(m *marks) { m.begun = at(1) }, "fork 10 jail 10 policy 0 program 60 reap 10", 0},
		{"begun after its end", func(m *marks) { m.begun = at(100_000) }, "fork 10 jail 10 policy 60 reap 10", 0},
		{"jailed in the past", func(m *marks) { m.jailed = at(-3_600_000) }, "fork 10 jail 0 policy 20 program 50 reap 10", 0},
		{"a zygote from the future", func(m *marks) { m.exited = at(3_600_000) }, "fork 10 jail 10 policy 10 program 60 reap 0", 0},
		{"a zygote from the past", func(m *marks) { m.exited = at(-3_600_000) }, "fork 0 reap 90", 0},
		{"parked, it says, forever", func(m *marks) {
			m.parked, m.ordered, m.forked, m.jailed = true, at(40), at(45), at(3_600_000)
		}, "fork 0 jail 80 reap 10", 60 * time.Millisecond},
	} {
		m := honest
		c.change(&m)
		got := m.timeline()
		var said []string
		last := m.begin
		for _, s := range got.Steps {
			if !s.Start.Equal(last) || s.End.Before(s.Start) {
				t.Errorf("%s: %s from %v to %v, after %v", c.name, s.Name, s.Start, s.End, last)
			}
			last = s.End
			said = append(said, fmt.Sprintf("%s %d", s.Name, s.End.Sub(s.Start).Milliseconds()))
		}
		if !last.Equal(m.end) {
			t.Errorf("%s: ends %v before the run", c.name, m.end.Sub(last))
		}
		if steps := strings.Join(said, " "); steps != c.want || got.Ahead != c.ahead || got.Parked != m.parked {
			t.Errorf("%s: %s, ahead %v\nwant %s, %v", c.name, steps, got.Ahead, c.want, c.ahead)
		}
	}
}
