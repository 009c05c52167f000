//go:build linux

package main

import (
	"fmt"
	"time"
)

// A turn is one of the things that are measured alternately.
type turn struct {
	name    string
	into    *samples
	times   int // in one round
	measure func(times int) ([]time.Duration, error)
}

// takeTurns warms each up and then lets all of them have their turn in every round.
func (b *bench) takeTurns(turns []turn) error {
	for _, t := range turns {
		if _, err := t.measure(min(b.plan.warmUp, t.times)); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	for round := range b.plan.rounds {
		b.round(round)
		for _, t := range turns {
			took, err := t.measure(t.times)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			t.into.add(took)
		}
	}
	return nil
}
