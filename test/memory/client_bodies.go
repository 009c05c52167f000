//go:build linux

package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"codecell/test/rawhttp"
)

// stalledBodies: 300 clients announce the largest body there may be, send half of
// it and no more.
var stalledBodies = Attack{
	Name:    "stalled-bodies",
	Route:   "stalled bodies",
	Client:  sendStalledBodies,
	Answers: []Seen{Full, Closed, "408 body-timeout"},
}

// slowBodies: 64 clients send the largest body there may be, in chunks, slowly but
// in time.
var slowBodies = Attack{
	Name:    "slow-bodies",
	Route:   "stalled bodies",
	Client:  sendSlowBodies,
	Answers: []Seen{Served, Full, Closed},
}

const (
	bodyMost    = 1 << 20 // bytes; the contract's limit
	bodyClients = 300
	// bodyPatience is longer than the server's own 10 s.
	bodyPatience = 20 * time.Second

	slowClients = 64
	slowChunks  = 16
	slowPause   = 100 * time.Millisecond
)

func sendStalledBodies(ctx context.Context, t *Target) error {
	half := `{"code": "` + strings.Repeat("#", bodyMost/2)
	request := rawhttp.PostJSON("/execute", half, bodyMost)
	return crowd(ctx, bodyClients, func(ctx context.Context, _ int) error {
		return sendUnfinished(ctx, t, request, bodyPatience)
	})
}

func sendSlowBodies(ctx context.Context, t *Target) error {
	const before, after = `{"code": "print(42)#`, `"}`
	body := before + strings.Repeat("x", bodyMost-len(before)-len(after)) + after
	head := rawhttp.Request("POST", "/execute", "", "Content-Type: application/json", "Transfer-Encoding: chunked")
	return crowd(ctx, slowClients, func(ctx context.Context, _ int) error {
		c, leave, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer leave()
		if c.Send(head) == nil {
			sendChunks(ctx, c, body)
		}
		t.sawNext(ctx, c, bodyPatience)
		return nil
	})
}

// sendChunks sends the body piece by piece, until the server has heard enough.
func sendChunks(ctx context.Context, c *rawhttp.Conn, body string) {
	tick := time.NewTicker(slowPause)
	defer tick.Stop()
	for piece := range slices.Chunk([]byte(body), len(body)/slowChunks) {
		if c.Send(fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)) != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	_ = c.Send("0\r\n\r\n") // a server that has closed is seen by who reads
}
