//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"codecell/test/e2e/cell"
)

const slots = 2

// throughputClients are how many post at once: fewer than there are slots, as
// many, and more.
var throughputClients = []int{1, slots, 2 * slots, 4 * slots}

// throughput is in programs per second.
type throughput struct {
	Bare    rates         `json:"bare_fork_loops_per_second"` // as many loops as there are slots
	Clients []clientsRate `json:"codecell"`
}

type clientsRate struct {
	Clients   int     `json:"clients"`
	PerSecond rates   `json:"per_second"`
	Ratio     float64 `json:"ratio_to_bare"`
}

// twoSlots are the variables of a server with two slots. Who finds both taken waits:
// what is measured is runs, not refusals.
var twoSlots = []string{fmt.Sprintf("SANDBOX_MAX_CONCURRENCY=%d", slots), "SANDBOX_MAX_WAIT=5s"}

// measureThroughput counts what such a server answers, and what as many loops of
// bare forks reach. They have the cores for themselves, codecell shares them with its clients.
func measureThroughput(ctx context.Context, b *bench) (err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: b.binary, Env: twoSlots})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	var loops []*bareFork
	defer func() {
		for _, loop := range loops {
			err = errors.Join(err, loop.close())
		}
	}()
	for range slots {
		loop, err := startBareFork(ctx, b.report.Python, b.modules)
		if err != nil {
			return err
		}
		loops = append(loops, loop)
	}
	t := &b.report.Throughput
	for _, clients := range throughputClients {
		t.Clients = append(t.Clients, clientsRate{Clients: clients})
	}
	for round := range b.plan.rounds {
		b.round(round)
		rate, err := forksPerSecond(loops, b.plan.throughput)
		if err != nil {
			return err
		}
		t.Bare = append(t.Bare, rate)
		for i := range t.Clients {
			if rate, err = runsPerSecond(address(s), t.Clients[i].Clients, b.plan.throughput); err != nil {
				return err
			}
			t.Clients[i].PerSecond = append(t.Clients[i].PerSecond, rate)
		}
	}
	for i := range t.Clients {
		t.Clients[i].Ratio = t.Clients[i].PerSecond.over(t.Bare).median()
	}
	return nil
}

// forksPerSecond lets the loops run at the same time.
func forksPerSecond(loops []*bareFork, during time.Duration) (float64, error) {
	var group errgroup.Group
	var runs atomic.Int64
	began := time.Now()
	for _, loop := range loops {
		group.Go(func() error {
			o := print42.order()
			o.Seconds = during.Seconds()
			took, err := loop.do(o)
			runs.Add(int64(len(took)))
			return err
		})
	}
	err := group.Wait()
	return float64(runs.Load()) / time.Since(began).Seconds(), err
}

// runsPerSecond lets so many clients post one request after the other.
func runsPerSecond(address string, clients int, during time.Duration) (float64, error) {
	var group errgroup.Group
	var runs atomic.Int64
	began := time.Now()
	for range clients {
		group.Go(func() error {
			c := newRawClient(address, post(print42.body()))
			defer c.close()
			for time.Since(began) < during {
				if _, err := c.measure(1, print42.status, print42.want); err != nil {
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
