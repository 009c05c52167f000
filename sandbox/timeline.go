package sandbox

import "time"

// Timeline says when the parts of one run were done. Run fills the one that
// Job.Timeline points at before it returns, whatever it returns.
type Timeline struct {
	// Steps follow each other without a gap, from Run's hand-over to the zygote to
	// its end. A run that ended early has fewer; one that never got a zygote, none.
	Steps []Step
	// Parked: the run was forked, and mostly jailed, before its program came. What
	// of that was done by then took Ahead, and none of this run's time: those steps
	// are empty.
	Parked bool
	Ahead  time.Duration
}

// Step is one part of a run's life.
type Step struct {
	Name       string // one of the five below
	Start, End time.Time
}

// The steps of a run, in order.
const (
	StepFork    = "fork"    // until the zygote had forked it
	StepJail    = "jail"    // until the inner jail was complete
	StepPolicy  = "policy"  // until its program was read, parsed and let run
	StepProgram = "program" // until it exited or was killed
	StepReap    = "reap"    // until it was reaped and all that it wrote was read
)

// marks are the moments that end the steps; zero: not reached, or not known.
type marks struct {
	begin, end      time.Time // of Run, the server's clock
	ordered, forked time.Time // the server's
	jailed, begun   time.Time // as the run says; the second after it has parsed the program
	killed          time.Time // the server's; first of all causes
	exited          time.Time // as the zygote says
	parked          bool
}

// timeline puts the marks in order. What others than the server say of their
// times moves the border between two steps, within the time that the run took
// by the server's clock, and nothing else.
func (m marks) timeline() Timeline {
	ended := m.exited
	if !m.killed.IsZero() {
		ended = m.killed // the rest of its life was its end
	}
	if ended.IsZero() {
		ended = m.end
	}
	t := Timeline{Parked: m.parked}
	if m.parked && m.jailed.After(m.ordered) {
		t.Ahead = min(m.jailed.Sub(m.ordered), max(0, m.begin.Sub(m.ordered)))
	}
	at := m.begin
	step := func(name string, until time.Time) {
		until = clamp(until, at, m.end)
		t.Steps = append(t.Steps, Step{name, at, until})
		at = until
	}
	for _, s := range []struct {
		name  string
		until time.Time
	}{{StepFork, m.forked}, {StepJail, m.jailed}, {StepPolicy, m.begun}} {
		if s.until.IsZero() || s.until.After(ended) { // it ended in this one
			step(s.name, ended)
			step(StepReap, m.end)
			return t
		}
		step(s.name, s.until)
	}
	step(StepProgram, ended)
	step(StepReap, m.end)
	return t
}

func clamp(t, least, most time.Time) time.Time {
	switch {
	case t.Before(least):
		return least
	case t.After(most):
		return most
	}
	return t
}
