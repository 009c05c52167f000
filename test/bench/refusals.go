//go:build linux

package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"codecell/test/e2e/cell"
)

// crowdClients meet one slot, which is taken.
const crowdClients = 64

// refusals are what a crowd sees while a program burns a core in the only slot, and
// what the program has of it. The limit is the same crowd at a trivial handler, the
// same program burning meanwhile.
type refusals struct {
	Clients int           `json:"clients"`
	Pause   time.Duration `json:"pause_ns"`

	Latency  pair           `json:"latency"`
	Livez    pair           `json:"livez"`
	Statuses map[string]int `json:"statuses"` // 0: no whole answer
	Again    int            `json:"reconnects"`

	PerSecond    rates `json:"per_second"`
	Trivial      rates `json:"trivial_per_second"`
	Most         rates `json:"trivial_per_second_without_pause"` // and without the program
	Cores        rates `json:"generator_cores"`
	TrivialCores rates `json:"generator_cores_at_trivial"`
	MostCores    rates `json:"generator_cores_without_pause"`

	Alone         rates `json:"program_alone_per_second"`
	Beside        rates `json:"program_beside_crowd_per_second"`
	BesideTrivial rates `json:"program_beside_trivial_crowd_per_second"`
}

// other is how many answers were none of 429.
func (r *refusals) other() (n int) {
	for status, seen := range r.Statuses {
		if status != strconv.Itoa(http.StatusTooManyRequests) {
			n += seen
		}
	}
	return n
}

// withoutLog starts the server with a log that nobody reads: the crowd makes thousands
// of lines a second, and reading them would be work of the generator's.
var withoutLog = []string{"sh", "-c", `exec "$@" 2>/dev/null`, "sh"}

func measureRefusals(ctx context.Context, b *bench) (err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: b.binary, Wrap: withoutLog})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	trivial, err := startTrivial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trivial.close()) }()

	r := &b.report.Refusals
	r.Clients, r.Pause, r.Statuses = crowdClients, b.pause, map[string]int{}
	r.Latency.Name, r.Livez.Name = "429", "/livez"
	for round := range b.plan.rounds {
		b.round(round)
		if err := r.measureRound(ctx, b, s, trivial); err != nil {
			return err
		}
	}
	return nil
}

// measureRound runs the program alone, beside the crowd, and beside the same crowd that
// is elsewhere; and then lets the crowd show what it can do.
func (r *refusals) measureRound(ctx context.Context, b *bench, s *cell.Server, trivial *trivialServer) error {
	paced := crowd{crowdClients, b.pause}
	alone, err := b.plan.hog.run(ctx, s, func(time.Time) error { return nil })
	if err != nil {
		return err
	}
	var ours, limit crowdSeen
	beside, err := b.plan.hog.run(ctx, s, func(until time.Time) (err error) {
		ours, err = paced.postAndProbe(address(s), until, &r.Livez.Ours)
		return err
	})
	if err != nil {
		return err
	}
	besideTrivial, err := b.plan.hog.run(ctx, s, func(until time.Time) (err error) {
		limit, err = paced.postAndProbe(trivial.address, until, &r.Livez.Limit)
		return err
	})
	if err != nil {
		return err
	}
	most := crowd{crowdClients, 0}.post(trivial.address, time.Now().Add(b.plan.most))
	if len(ours.took) == 0 || len(limit.took) == 0 {
		return errors.New("the crowd had no answer at all")
	}
	r.Latency.Ours.add(ours.took)
	r.Latency.Limit.add(limit.took)
	for status, n := range ours.statuses {
		r.Statuses[strconv.Itoa(status)] += n
	}
	r.Again += ours.reconnects
	r.PerSecond, r.Cores = append(r.PerSecond, ours.perSecond), append(r.Cores, ours.cores)
	r.Trivial, r.TrivialCores = append(r.Trivial, limit.perSecond), append(r.TrivialCores, limit.cores)
	r.Most, r.MostCores = append(r.Most, most.perSecond), append(r.MostCores, most.cores)
	r.Alone, r.Beside, r.BesideTrivial = append(r.Alone, alone), append(r.Beside, beside), append(r.BesideTrivial, besideTrivial)
	return nil
}

// postAndProbe lets the crowd post while health checks are made.
func (w crowd) postAndProbe(address string, until time.Time, probes *samples) (crowdSeen, error) {
	type probed struct {
		took []time.Duration
		err  error
	}
	done := make(chan probed, 1)
	go func() {
		took, err := probe(address, until)
		done <- probed{took, err}
	}()
	seen := w.post(address, until)
	p := <-done
	if p.err == nil {
		probes.add(p.took)
	}
	return seen, p.err
}
