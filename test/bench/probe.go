//go:build linux

package main

import (
	"fmt"
	"net/http"
	"time"
)

// probeEvery is the time from one health check to the next. A platform's come every
// few seconds; these are as lone, but more.
const probeEvery = 20 * time.Millisecond

// probe asks for /livez as platforms do, over a connection of its own each time, and
// returns what each took from the connect to the answer.
func probe(address string, until time.Time) ([]time.Duration, error) {
	var took []time.Duration
	request := get("/livez")
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for time.Now().Before(until) {
		began := time.Now()
		if err := probeOnce(address, request); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
		<-tick.C
	}
	return took, nil
}

func probeOnce(address string, request []byte) error {
	c := newRawClient(address, request)
	defer c.close()
	status, err := c.do()
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("answer %d: %s", status, c.body)
	}
	if err != nil {
		return fmt.Errorf("/livez: %w", err)
	}
	return nil
}
