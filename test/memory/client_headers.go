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
	Client:  func(ctx context.Context, t *Target) error { return sendUnfinishedHeaders(ctx, t, 15<<10) },
	Answers: []Seen{Closed},
}

// longHeaders: the same with as much as net/http takes unless it is told otherwise.
var longHeaders = Attack{
	Name:    "long-headers",
	Route:   "unfinished headers",
	Client:  func(ctx context.Context, t *Target) error { return sendUnfinishedHeaders(ctx, t, 1<<20-4<<10) },
	Answers: []Seen{Closed, "431"},
}

const (
	headerClients = 300
	// headerPatience is longer than the server's own 5 s.
	headerPatience = 12 * time.Second
)

// sendUnfinishedHeaders sends size bytes of a header from every client at once.
func sendUnfinishedHeaders(ctx context.Context, t *Target, size int) error {
	request := unfinished(size)
	var wg sync.WaitGroup
	errs := make([]error, headerClients)
	for i := range errs {
		wg.Go(func() { errs[i] = sendUnfinished(ctx, t, request, headerPatience) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// unfinished is a request that has size bytes of a header, and not its end.
func unfinished(size int) string {
	return "POST /execute HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", size)
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
