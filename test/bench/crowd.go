//go:build linux

package main

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A crowd is many clients that post at the same time, each over a connection of its
// own, which it keeps for as long as the server does.
type crowd struct {
	clients int
	pause   time.Duration // from an answer to the next request; 0: none
}

// crowdSeen is what became of its requests.
type crowdSeen struct {
	took       []time.Duration // of each answer
	statuses   map[int]int     // 0: no whole answer
	reconnects int
	perSecond  float64
	cores      float64 // that this process, the generator, kept busy
}

// post sends requests to address until then.
func (w crowd) post(address string, until time.Time) crowdSeen {
	seen := make([]crowdSeen, w.clients)
	began, cpu := time.Now(), ownCPU()
	var group sync.WaitGroup
	for i := range w.clients {
		group.Go(func() {
			// Spread, so that they don't come as one: those that wait as long do it together.
			time.Sleep(w.pause * time.Duration(i) / time.Duration(w.clients))
			seen[i] = w.client(address, until)
		})
	}
	group.Wait()
	wall := time.Since(began)
	all := crowdSeen{statuses: map[int]int{}, cores: float64(ownCPU()-cpu) / float64(wall)}
	for _, s := range seen {
		all.took = append(all.took, s.took...)
		all.reconnects += s.reconnects
		for status, n := range s.statuses {
			all.statuses[status] += n
		}
	}
	all.perSecond = float64(len(all.took)) / wall.Seconds()
	return all
}

// client is one of them. What it takes to connect again counts as its next request's.
func (w crowd) client(address string, until time.Time) crowdSeen {
	seen := crowdSeen{statuses: map[int]int{}}
	c := newRawClient(address, post(print42.body()))
	defer c.close()
	for time.Now().Before(until) {
		began := time.Now()
		status, err := c.do()
		if err != nil {
			status = 0
		} else {
			seen.took = append(seen.took, time.Since(began))
		}
		seen.statuses[status]++
		time.Sleep(w.pause)
	}
	seen.reconnects = max(0, c.dials-1)
	return seen
}

// ownCPU is the processor time of this process so far.
func ownCPU() time.Duration {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		panic(err) // only bad arguments are refused
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
