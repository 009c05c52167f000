//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"codecell/test/e2e/cell"
)

const (
	slots          = 2
	throughputTime = time.Second // for each number of clients in each round
)

// throughputClients are how many post at once: fewer than there are slots, as
// many, and more.
var throughputClients = []int{1, slots, 2 * slots}

// measureThroughput counts what a server with two slots answers. Who finds both
// taken waits (SANDBOX_MAX_WAIT): what is measured is runs, not refusals.
func measureThroughput(ctx context.Context, r *report, binary string) (err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: binary, Env: []string{
		fmt.Sprintf("SANDBOX_MAX_CONCURRENCY=%d", slots), "SANDBOX_MAX_WAIT=5s",
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	r.Throughput = make([]throughput, len(throughputClients))
	for i, clients := range throughputClients {
		r.Throughput[i].Clients = clients
	}
	for round := range r.Rounds {
		progress("throughput, round %d of %d", round+1, r.Rounds)
		for i, clients := range throughputClients {
			rate, err := runsPerSecond(strings.TrimPrefix(s.URL, "http://"), clients)
			if err != nil {
				return err
			}
			r.Throughput[i].PerSecond = append(r.Throughput[i].PerSecond, rate)
		}
	}
	return nil
}

// runsPerSecond lets so many clients post one request after the other.
func runsPerSecond(address string, clients int) (float64, error) {
	var group errgroup.Group
	var runs atomic.Int64
	began := time.Now()
	for range clients {
		group.Go(func() error {
			c, err := newRawClient(address, "/execute", program)
			if err != nil {
				return err
			}
			defer c.close()
			for time.Since(began) < throughputTime {
				if _, err := c.measure(1, printed); err != nil {
					return err
				}
				runs.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return float64(runs.Load()) / time.Since(began).Seconds(), err
}
