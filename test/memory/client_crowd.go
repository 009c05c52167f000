//go:build linux

package memory

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/rawhttp"
)

// crowd runs so many clients at once and returns when all have ended.
func crowd(ctx context.Context, clients int, one func(ctx context.Context, i int) error) error {
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = one(ctx, i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// dial connects to the target and hangs up when ctx is done: whatever waits on the
// connection then ends. The caller calls leave, once.
func (t *Target) dial(ctx context.Context) (c *rawhttp.Conn, leave func(), err error) {
	if c, err = rawhttp.Dial(t.Addr); err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Leave() })
	return c, func() { stop(); _ = c.Leave() }, nil
}

// sawNext reads the next answer of a raw connection and counts it, or what came
// instead of it within patience. It reports whether it was an answer.
func (t *Target) sawNext(ctx context.Context, c *rawhttp.Conn, patience time.Duration) bool {
	answer, err := c.Response(patience)
	switch {
	case err == nil:
		t.SawStatus(answer.Status, answer.Body)
		return true
	case ctx.Err() != nil:
		t.Saw(Left)
	case isTimeout(err):
		t.Saw(Unheard)
	default:
		t.Saw(Closed)
	}
	return false
}

// impatience is how long a client stays away that was refused. Retry-After asks for
// a second; without any, the clients' own work would be what is measured.
const impatience = 50 * time.Millisecond

// keepAsking has so many clients send the programs in turn, each as soon as the
// last was answered or impatience is over, until pause or ctx is done.
func keepAsking(ctx, pause context.Context, t *Target, clients int, programs ...cell.Request) error {
	return crowd(ctx, clients, func(ctx context.Context, i int) error {
		c := t.Client(2 * runTimeout)
		defer c.Close()
		for n := i; pause.Err() == nil && ctx.Err() == nil; n++ {
			a, _ := t.Execute(ctx, c, programs[n%len(programs)]) // counted
			if a.Status != http.StatusOK {
				stayAway(pause)
			}
		}
		return nil
	})
}

// stayAway returns after impatience, or when ctx is done.
func stayAway(ctx context.Context) {
	again := time.NewTimer(impatience)
	defer again.Stop()
	select {
	case <-again.C:
	case <-ctx.Done():
	}
}
