//go:build linux

package main

import "time"

// A plan says how much of each thing one run of the bench does. All that is
// compared takes turns, once in every round, so that a disturbance of the machine
// hits both sides of a ratio.
type plan struct {
	rounds int
	starts int // of the server, and of a bare interpreter

	share       float64 // of each program's times (see programs), in one round
	cold        int     // interpreters started in one round
	coldImports int     // interpreters started in one round that import packages
	trivial     int     // requests to a trivial handler in one round
	warmUp      int     // requests before the first round
	throughput  time.Duration
	paced       int // requests, evenly spaced, in one round
	hog         hog
	most        time.Duration // for what the generator reaches by itself
	layer       int           // requests to each variant in one round
	layerRate   time.Duration // and then with several clients
	faults      int           // runs, fewer than a zygote's life has
	steps       int           // runs whose spans are read
}

// full is about five minutes, short about one: the same things, fewer of each.
var (
	full = plan{
		rounds: 6, starts: 10,
		share: 1, cold: 20, coldImports: 4, trivial: 1000, warmUp: 100,
		throughput: time.Second, paced: 100,
		hog:   hog{lead: 400 * time.Millisecond, count: 1500 * time.Millisecond, tail: 400 * time.Millisecond},
		most:  time.Second,
		layer: 100, layerRate: 500 * time.Millisecond,
		faults: 300, steps: 500,
	}
	short = plan{
		rounds: 2, starts: 4,
		share: 0.3, cold: 10, coldImports: 2, trivial: 300, warmUp: 50,
		throughput: 500 * time.Millisecond, paced: 50,
		hog:   hog{lead: 400 * time.Millisecond, count: 800 * time.Millisecond, tail: 400 * time.Millisecond},
		most:  500 * time.Millisecond,
		layer: 50, layerRate: 250 * time.Millisecond,
		faults: 100, steps: 150,
	}
)
