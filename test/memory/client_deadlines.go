//go:build linux

package memory

import (
	"context"
	"time"

	"codecell/test/e2e/cell"
)

// atDeadline: there is a next request at the very moment at which a run that holds
// all its memory is killed for its time.
var atDeadline = Attack{
	Name:    "at-deadline",
	Route:   "a run that outlives its request, its zygote or the server",
	Client:  askAtDeadline,
	Answers: []Seen{Served, Full},
}

const (
	deadlineClients = 8
	deadlineTime    = 10 * time.Second
)

// hogFor is hog with a time of its own.
func hogFor(timeout time.Duration) cell.Request {
	return cell.Request{Code: hog, Timeout: timeout.Seconds()}
}

func askAtDeadline(ctx context.Context, t *Target) error {
	asking, cancel := context.WithTimeout(ctx, deadlineTime)
	defer cancel()
	return keepAsking(ctx, asking, t, deadlineClients,
		hogFor(300*time.Millisecond), hogFor(500*time.Millisecond), hogFor(200*time.Millisecond))
}
