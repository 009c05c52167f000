//go:build linux

package memory

import (
	"context"
	"time"

	"codecell/test/rawhttp"
)

// idleConnections: 2,000 clients connect, every other one asks for something, and
// none says anything more.
var idleConnections = Attack{
	Name:    "idle-connections",
	Route:   "idle connections",
	Client:  sitIdle,
	Answers: []Seen{Served, Closed, Left},
}

const (
	idlers = 2_000
	// idleFor is longer than the 5 s that a new connection has for its headers.
	idleFor = 8 * time.Second
	// answerTime is how long a client that reads waits for a short answer.
	answerTime = 10 * time.Second
)

func sitIdle(ctx context.Context, t *Target) error {
	idle, cancel := context.WithTimeout(ctx, idleFor)
	defer cancel()
	return crowd(ctx, idlers, func(ctx context.Context, i int) error {
		c, leave, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer leave()
		if i%2 == 0 && (c.Send(rawhttp.Request("GET", "/livez", "")) != nil || !t.sawNext(ctx, c, answerTime)) {
			return nil // closed to let others in
		}
		until, _ := idle.Deadline()
		if c.Closed(time.Until(until)) {
			t.Saw(Closed)
		} else {
			t.Saw(Left)
		}
		return nil
	})
}
