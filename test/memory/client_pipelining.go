//go:build linux

package memory

import (
	"context"
	"strings"

	"codecell/test/e2e/cell"
)

// pipelining: 64 clients ask a hundred times, each on one connection, before they
// listen.
var pipelining = Attack{
	Name:    "pipelining",
	Route:   "requests refused unread",
	Client:  pipeline,
	Answers: []Seen{Served, Full, Closed},
}

const (
	pipeliners = 64
	pipelined  = 100
)

func pipeline(ctx context.Context, t *Target) error {
	request, err := post(cell.Request{Code: `print("x" * 40000)`})
	if err != nil {
		return err
	}
	requests := strings.Repeat(request, pipelined)
	return crowd(ctx, pipeliners, func(ctx context.Context, _ int) error {
		c, leave, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer leave()
		_ = c.Send(requests) // a server that closes early is seen below
		for range pipelined {
			if !t.sawNext(ctx, c, runTimeout) {
				break
			}
		}
		return nil
	})
}
