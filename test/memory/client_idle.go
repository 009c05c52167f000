//go:build linux

package memory

import (
	"context"
	"time"

	"codecell/test/rawhttp"
)

// idleConnections: 2,000 clients connect at once, every other one asks for something,
// and none says anything more.
var idleConnections = Attack{
	Name:    "idle-connections",
	Route:   "idle connections",
	Client:  func(ctx context.Context, t *Target) error { return sitIdle(ctx, t, 2_000, 0, "") },
	Answers: []Seen{Served, Closed, Left},
}

// manyConnections: almost as many as the server may have descriptors for (Options.run),
// one after the other, and the others begin a request that they never end.
var manyConnections = Attack{
	Name:  "many-connections",
	Route: "idle connections",
	Client: func(ctx context.Context, t *Target) error {
		return sitIdle(ctx, t, 3_900, 2*time.Millisecond, unfinished(12<<10))
	},
	Answers: []Seen{Served, Closed, Left},
}

const (
	// idleFor is longer than the 5 s that a new connection has for its headers.
	idleFor = 8 * time.Second
	// answerTime is how long a client that reads waits for a short answer.
	answerTime = 10 * time.Second
)

// sitIdle has so many clients connect, one each apart, and stay until idleFor after
// the last. Every other one asks for something, the others send what is given.
func sitIdle(ctx context.Context, t *Target, clients int, apart time.Duration, others string) error {
	idle, cancel := context.WithTimeout(ctx, time.Duration(clients)*apart+idleFor)
	defer cancel()
	return crowd(ctx, clients, func(ctx context.Context, i int) error {
		turn := time.NewTimer(time.Duration(i) * apart)
		defer turn.Stop()
		select {
		case <-turn.C:
		case <-idle.Done():
			return nil
		}
		c, leave, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer leave()
		if i%2 == 0 && (c.Send(rawhttp.Request("GET", "/livez", "")) != nil || !t.sawNext(ctx, c, answerTime)) {
			return nil // closed to let others in
		}
		if i%2 == 1 {
			_ = c.Send(others) // a server that has closed already is seen below
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
