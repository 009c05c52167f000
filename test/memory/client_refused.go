//go:build linux

package memory

import (
	"context"
	"strings"
	"time"

	"codecell/test/rawhttp"
)

// refusedBodies: while every slot is taken, 300 clients send the largest body there
// may be and read nothing of the 429 that they get.
var refusedBodies = Attack{
	Name:    "refused-bodies",
	Route:   "requests refused unread",
	Client:  sendRefusedBodies,
	Answers: []Seen{Served, Full, Closed},
}

const (
	refusedClients = 300
	refusedTime    = 8 * time.Second
)

func sendRefusedBodies(ctx context.Context, t *Target) error {
	busy, cancel := context.WithTimeout(ctx, refusedTime)
	defer cancel()
	held := make(chan error, 1)
	go func() { held <- keepAsking(ctx, busy, t, 2*t.Slots, hogFor(2*time.Second)) }()

	body := `{"code": "print(42)#` + strings.Repeat("x", bodyMost-64) + `"}`
	request := rawhttp.PostJSON("/execute", body, len(body))
	err := crowd(ctx, refusedClients, func(ctx context.Context, _ int) error {
		c, leave, err := t.dial(ctx)
		if err != nil {
			return err
		}
		defer leave()
		_ = c.Send(request) // it may not get rid of all of it
		<-busy.Done()
		t.sawNext(ctx, c, runTimeout)
		return nil
	})
	if err != nil {
		return err
	}
	return <-held
}
