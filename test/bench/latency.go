//go:build linux

package main

import (
	"context"
	"errors"
	"time"

	"codecell/test/e2e/cell"
)

// latency is one client's on one connection that is kept alive.
type latency struct {
	Programs []*pair `json:"programs"` // in the order of programs
	Cold     samples `json:"cold_start"`
	Trivial  samples `json:"trivial_handler"` // what client and network have of it
}

// measureLatency sends each program over HTTP, and has it run by a bare fork.
func measureLatency(ctx context.Context, b *bench) (err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: b.binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	bare, err := startBareFork(ctx, b.report.Python, b.modules)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	trivial, err := startTrivial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trivial.close()) }()
	toTrivial := newRawClient(trivial.address, post(print42.body()))

	l := &b.report.Latency
	turns := []turn{
		{"cold start", &l.Cold, b.plan.cold, func(n int) ([]time.Duration, error) { return coldStarts(ctx, b.report.Python, n) }},
		{"trivial handler", &l.Trivial, b.plan.trivial, func(n int) ([]time.Duration, error) {
			return toTrivial.turn(n, print42.status, print42.want)
		}},
	}
	for _, program := range programs {
		client := newRawClient(address(s), post(program.body()))
		p := &pair{Name: program.name}
		l.Programs = append(l.Programs, p)
		times := int(float64(program.times) * b.plan.share)
		turns = append(turns,
			turn{program.name + ", bare", &p.Limit, times, func(n int) ([]time.Duration, error) { return bare.turn(program, n) }},
			turn{program.name, &p.Ours, times, func(n int) ([]time.Duration, error) {
				return client.turn(n, program.status, program.want)
			}})
	}
	return b.takeTurns(turns)
}
