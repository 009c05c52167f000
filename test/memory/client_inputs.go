//go:build linux

package memory

import (
	"context"
	"strings"
	"time"

	"codecell/test/e2e/cell"
)

// inputs: 64 clients send as much for a program to read as there may be, and none of
// the programs reads it: it waits in the server, a pipe and a socket.
var inputs = Attack{
	Name:    "inputs",
	Route:   "what a program is sent and does not read",
	Client:  sendInputs,
	Answers: []Seen{Served, Full, Closed},
}

const (
	inputClients = 64
	inputFor     = 10 * time.Second
	inputSpare   = 4 << 10 // of a body, for everything but what is to be read
	inputArgs    = 200
)

func sendInputs(ctx context.Context, t *Target) error {
	ctx, cancel := context.WithTimeout(ctx, inputFor+runTimeout)
	defer cancel()
	long := strings.Repeat("x", (bodyMost-inputSpare)/2)
	request := cell.Request{
		Code:  "for n in range(3_000_000): pass",
		Stdin: long,
		Args:  make([]string, inputArgs),
	}
	for i := range request.Args {
		request.Args[i] = long[:len(long)/inputArgs]
	}
	until := time.Now().Add(inputFor)
	return crowd(ctx, inputClients, func(ctx context.Context, _ int) error {
		client := t.Client(runTimeout)
		defer client.Close()
		for ctx.Err() == nil && time.Now().Before(until) {
			_, _ = t.Execute(ctx, client, request) // counted
		}
		return nil
	})
}
