//go:build linux

package main

import (
	"context"
	"errors"
	"time"

	"codecell/test/e2e/cell"
)

// perSecond is how many requests come, evenly spaced. Between two of them
// everything sleeps: caches go cold, and every part has to be woken.
const perSecond = 50

const between = time.Second / perSecond

// measurePaced is the latency where requests come now and then. The bare fork is
// asked at the same pace.
func measurePaced(ctx context.Context, b *bench) (err error) {
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
	client := newRawClient(address(s), post(print42.body()))

	p := &b.report.Paced
	p.Name = print42.name
	return b.takeTurns([]turn{
		{"bare", &p.Limit, b.plan.paced, func(n int) ([]time.Duration, error) {
			o := print42.order()
			o.Times, o.Every = n, between.Seconds()
			return bare.do(o)
		}},
		{"codecell", &p.Ours, b.plan.paced, func(n int) ([]time.Duration, error) { return client.pace(n, between) }},
	})
}

// pace runs print(42) so many times, at a steady pace. One that could not be sent in
// time, because the one before took so long, counts from when it was due.
func (c *rawClient) pace(times int, every time.Duration) ([]time.Duration, error) {
	defer c.close()
	if _, err := c.measure(1, print42.status, print42.want); err != nil { // which connects
		return nil, err
	}
	var took []time.Duration
	start := time.Now()
	for i := range times {
		var late time.Duration
		if early := time.Until(start.Add(time.Duration(i) * every)); early > 0 {
			time.Sleep(early)
		} else {
			late = -early
		}
		one, err := c.measure(1, print42.status, print42.want)
		if err != nil {
			return nil, err
		}
		took = append(took, late+one[0])
	}
	return took, nil
}
