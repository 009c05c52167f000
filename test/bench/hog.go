//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"codecell/test/e2e/cell"
)

// A hog is a program that burns a core: for lead, which is for others to begin in,
// then for count, in which it counts how often it gets round, and for tail, in which
// others end.
type hog struct{ lead, count, tail time.Duration }

// hogCode is its source. A look at the clock is rare beside what it counts.
const hogCode = `from datetime import datetime, timedelta

def burn(seconds):
    end, rounds = datetime.now() + timedelta(seconds=seconds), 0
    while datetime.now() < end:
        for _ in range(10_000):
            pass
        rounds += 1
    return rounds

burn(%g)
rounds = burn(%g)
burn(%g)
print(rounds)
`

func (h hog) code() string {
	return fmt.Sprintf(hogCode, h.lead.Seconds(), h.count.Seconds(), h.tail.Seconds())
}

// run runs it in the server's only slot, calls beside once it is there, with the time
// until which others may go on, and returns its speed in rounds a second.
func (h hog) run(ctx context.Context, s *cell.Server, beside func(until time.Time) error) (speed float64, err error) {
	client := newRawClient(address(s), post(executeBody(h.code())))
	defer client.close()
	type ended struct {
		rounds int
		err    error
	}
	done := make(chan ended, 1)
	posted := time.Now()
	go func() {
		rounds, err := client.rounds()
		done <- ended{rounds, err}
	}()
	if err := awaitInFlight(ctx, s); err != nil {
		return 0, err
	}
	if late := time.Since(posted); late > h.lead/2 {
		err = fmt.Errorf("the program was seen to run only after %v: the machine is too slow for this", late)
	} else {
		err = beside(posted.Add(h.lead + h.count + h.tail/2))
	}
	end := <-done
	if err != nil {
		return 0, err
	}
	return float64(end.rounds) / h.count.Seconds(), end.err
}

// rounds sends the program, and reads what it prints.
func (c *rawClient) rounds() (int, error) {
	status, err := c.do()
	if err != nil {
		return 0, err
	}
	var answer struct{ Stdout string }
	if err := json.Unmarshal(c.body, &answer); err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("answer %d: %s (%w)", status, c.body, err)
	}
	return strconv.Atoi(strings.TrimSpace(answer.Stdout))
}

// awaitInFlight returns when the server says that a program runs.
func awaitInFlight(ctx context.Context, s *cell.Server) error {
	client := s.Client(5 * time.Second)
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		profile, err := client.Profile(ctx)
		if err != nil {
			return err
		}
		if profile.Admission.InFlight > 0 {
			return nil
		}
	}
}
