//go:build linux

package memory

import (
	"context"
	"strings"
	"time"

	"codecell/test/rawhttp"
)

// bursts: 300 clients connect at the same moment, every second, while every slot is
// taken. Each sends the largest body there may be before it looks for an answer.
var bursts = Attack{
	Name:    "bursts",
	Route:   "a crowd that comes at once",
	Client:  sendBursts,
	Answers: []Seen{Served, Full, Closed},
}

const (
	burstClients = 300
	burstTime    = 8 * time.Second
)

func sendBursts(ctx context.Context, t *Target) error {
	busy, cancel := context.WithTimeout(ctx, burstTime)
	defer cancel()
	held := make(chan error, 1)
	go func() { held <- keepAsking(ctx, busy, t, 2*t.Slots, hogFor(2*time.Second)) }()

	body := `{"code": "print(42)#` + strings.Repeat("x", bodyMost-64) + `"}`
	request := rawhttp.PostJSON("/execute", body, len(body))
	again := time.NewTicker(readerReturn)
	defer again.Stop()
	for busy.Err() == nil {
		err := crowd(ctx, burstClients, func(ctx context.Context, _ int) error {
			c, leave, err := t.dial(ctx)
			if err != nil {
				return err
			}
			defer leave()
			_ = c.Send(request) // it may not get rid of all of it
			t.sawNext(ctx, c, answerTime)
			return nil
		})
		if err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-busy.Done():
		}
	}
	return <-held
}
