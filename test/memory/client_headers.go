//go:build linux

package memory

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"codecell/test/rawhttp"
)

// unfinishedHeaders: 300 clients send headers without an end, as many as the
// server takes, and wait for it to lose patience.
var unfinishedHeaders = Attack{
	Name:    "unfinished-headers",
	Route:   "unfinished headers",
	Client:  sendUnfinishedHeaders,
	Answers: []Seen{Closed, "408", "431"},
}

const (
	headerClients = 300
	// headerPatience is longer than the server's own 5 s.
	headerPatience = 12 * time.Second
)

func sendUnfinishedHeaders(ctx context.Context, t *Target) error {
	var wg sync.WaitGroup
	errs := make([]error, headerClients)
	for i := range errs {
		wg.Go(func() { errs[i] = sendUnfinishedHeader(ctx, t, strings.Repeat("x", 1<<20)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// sendUnfinishedHeader sends value in small pieces until the server takes no
// more, and then waits for its answer.
func sendUnfinishedHeader(ctx context.Context, t *Target, value string) error {
	c, err := rawhttp.Dial(t.Addr)
	if err != nil {
		return err
	}
	defer c.Leave()
	defer context.AfterFunc(ctx, func() { _ = c.Leave() })()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		err := c.Send("POST /execute HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
		for len(value) > 0 && err == nil {
			piece := value[:min(len(value), 4096)]
			err, value = c.Send(piece), value[len(piece):]
		}
	}()
	answer, err := c.Response(headerPatience)
	switch {
	case err == nil:
		t.SawStatus(answer.Status, answer.Body)
	case ctx.Err() != nil:
		t.Saw(Left)
	case isTimeout(err):
		t.Saw(Unheard)
	default:
		t.Saw(Closed)
	}
	_ = c.Leave() // the sender may still be at it
	<-sent
	return nil
}

// isTimeout tells a server that is silent from one that has hung up.
func isTimeout(err error) bool {
	var late interface{ Timeout() bool }
	return errors.As(err, &late) && late.Timeout()
}
