package sandbox

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := clock{now: now, mono: int64(2 * time.Hour)}
	for reading, want := range map[uint64]time.Time{
		0:                                 {},
		uint64(2 * time.Hour):             now,
		uint64(2*time.Hour - time.Second): now.Add(-time.Second),
		uint64(2*time.Hour + time.Second): now.Add(time.Second),
		1:                                 now.Add(-time.Hour),
		math.MaxUint64:                    now.Add(time.Hour),
	} {
		if got := c.time(reading); !got.Equal(want) {
			t.Errorf("%d: %v, want %v", reading, got, want)
		}
	}
}

// TestRunTimeline: what a real run's steps look like, by a parked run and by one
// that is forked for its limits. The program sleeps, so its step is the longest.
func TestRunTimeline(t *testing.T) {
	t.Parallel()
	s := start(t, observe)
	const code = "import time\nend = time.monotonic() + 0.2\nwhile time.monotonic() < end: pass"
	for name, memory := range map[string]MiB{"parked": 0, "forked on demand": 128} {
		var line Timeline
		began := time.Now()
		res, err := s.Run(t.Context(), Job{Code: code, Limits: Limits{Memory: memory}, Timeline: &line})
		ended := time.Now()
		if err != nil || res.Outcome != OutcomeOK {
			t.Fatalf("%s: %+v, %v", name, res, err)
		}
		var names []string
		for _, step := range line.Steps {
			names = append(names, step.Name)
			if step.Start.Before(began) || step.End.After(ended) {
				t.Errorf("%s: %s is outside of the run", name, step.Name)
			}
			if took := step.End.Sub(step.Start); (step.Name == StepProgram) != (took >= 190*time.Millisecond) {
				t.Errorf("%s: %s took %v", name, step.Name, took)
			}
		}
		if want := []string{StepFork, StepJail, StepPolicy, StepProgram, StepReap}; !slices.Equal(names, want) {
			t.Errorf("%s: steps %v, want %v", name, names, want)
		}
		if line.Parked != (memory == 0) || line.Parked != (line.Ahead > 0) {
			t.Errorf("%s: parked %t, ahead %v", name, line.Parked, line.Ahead)
		}
	}

	// A run that is given up has its times too.
	var line Timeline
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Run(ctx, Job{Code: "while True: pass", Timeline: &line})
	if last := len(line.Steps) - 1; !errors.Is(err, context.DeadlineExceeded) || last < 1 || line.Steps[last].Name != StepReap {
		t.Errorf("%v, %+v", err, line)
	}
}
