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

// unfinishedHeaders: 300 clients send as much of a header as the server takes and
// never its end. Each waits for the server to lose patience.
var unfinishedHeaders = Attack{
	Name:    "unfinished-headers",
	Route:   "unfinished headers",
	Client:  sendUnfinishedHeaders,
	Answers: []Seen{Closed, "408", "431"},
}

const (
	headerClients = 300
	// headerSent, in bytes, is just below what the server takes.
	headerSent = 15 << 10
	// headerPatience is longer than the server's own 5 s.
	headerPatience = 12 * time.Second
)

func sendUnfinishedHeaders(ctx context.Context, t *Target) error {
	request := "POST /execute HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", headerSent)
	var wg sync.WaitGroup
	errs := make([]error, headerClients)
	for i := range errs {
		wg.Go(func() { errs[i] = sendUnfinished(ctx, t, request, headerPatience) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// sendUnfinished sends part of a request and counts what comes of it within
// patience. The error says that it could not even connect.
func sendUnfinished(ctx context.Context, t *Target, part string, patience time.Duration) error {
	c, err := rawhttp.Dial(t.Addr)
	if err != nil {
		return err
	}
	defer c.Leave()
	defer context.AfterFunc(ctx, func() { _ = c.Leave() })()
	_ = c.Send(part) // a server that has closed already is seen below
	answer, err := c.Response(patience)
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
	return nil
}

// isTimeout tells a server that is silent from one that has hung up.
func isTimeout(err error) bool {
	var late interface{ Timeout() bool }
	return errors.As(err, &late) && late.Timeout()
}
