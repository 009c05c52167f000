//go:build linux

package memory

import (
	"context"
	"math/rand/v2"
	"time"
)

// disconnectStorm: 64 clients post programs that take all the memory there is, and
// leave within 200 ms, wherever that finds the run.
var disconnectStorm = Attack{
	Name:    "disconnect-storm",
	Route:   "a run that outlives its request, its zygote or the server",
	Client:  storm,
	Answers: []Seen{Left, Full, Closed},
}

const (
	stormClients = 64
	stormTime    = 8 * time.Second
	stormStay    = 200 * time.Millisecond // at most
	stormSeed    = 42
)

// hog takes memory as fast as it can be had, until there is no more, and keeps it.
const hog = `
held = []
try:
    while True:
        held.append(b"x" * (16 << 20))
except MemoryError:
    while True:
        pass
`

func storm(ctx context.Context, t *Target) error {
	request, err := post(hogFor(runTimeout))
	if err != nil {
		return err
	}
	blowing, cancel := context.WithTimeout(ctx, stormTime)
	defer cancel()
	return crowd(ctx, stormClients, func(ctx context.Context, i int) error {
		random := rand.New(rand.NewPCG(stormSeed, uint64(i)))
		for blowing.Err() == nil {
			refused, err := t.leaveEarly(ctx, request, random)
			if err != nil {
				return err
			}
			if refused {
				stayAway(blowing)
			}
		}
		return nil
	})
}

// leaveEarly sends a request and hangs up soon, politely or not. An answer that
// comes before is counted; refused says that it was one.
func (t *Target) leaveEarly(ctx context.Context, request string, random *rand.Rand) (refused bool, err error) {
	c, leave, err := t.dial(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_ = c.Send(request) // a server that has closed is seen below
	answer, err := c.Response(1 + time.Duration(random.Int64N(int64(stormStay))))
	refused = err == nil
	switch {
	case err == nil:
		t.SawStatus(answer.Status, answer.Body)
	case ctx.Err() != nil || isTimeout(err):
		t.Saw(Left)
	default:
		t.Saw(Closed)
	}
	if random.IntN(2) == 0 {
		return refused, c.Reset()
	}
	return refused, nil
}
