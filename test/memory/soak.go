//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"time"
)

// soak is everything at once: 64 clients, each of which draws one of the soak's
// kinds after the other, for as long as the target says.
var soak = Attack{
	Name:    SoakName,
	Route:   everyRoute,
	Client:  soakInPublic,
	Answers: soakAnswers(),
}

// everyRoute is the soak's: no line of docs/memory.md, but all of them.
const everyRoute = "every route"

const (
	soakClients = 64
	// soakPeriod is the time between two lines of progress.
	soakPeriod = 10 * time.Second
	// soakThought is how long a client stays away at most after an answer, and
	// soakRefused after a 429: less than Retry-After asks for.
	soakThought = 50 * time.Millisecond
	soakRefused = 400 * time.Millisecond
)

// soakInPublic draws a seed and tells whoever waits.
func soakInPublic(ctx context.Context, t *Target) error {
	tally, err := Soak(ctx, t, rand.Uint64(), os.Stderr)
	tally.into(t)
	return err
}

// Soak sends the target a mix of everything for t.SoakFor. What a client draws
// follows from the seed, what it meets from all others. It tells progress its seed
// and every ten seconds how far it is. The error says that the soak could not be
// made; what the server did wrong is in the tally.
func Soak(ctx context.Context, t *Target, seed uint64, progress io.Writer) (*Tally, error) {
	fmt.Fprintf(progress, "soak: seed %d, %d clients, %v\n", seed, soakClients, t.SoakFor)
	mix, err := newSoakMix(ctx, t)
	if err != nil {
		return nil, err
	}
	tally := newTally(t)
	began := time.Now()
	soaking, cancel := context.WithTimeout(ctx, t.SoakFor)
	defer cancel()
	told := make(chan struct{})
	go func() {
		defer close(told)
		tick := time.NewTicker(soakPeriod)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(progress, "soak: %.0f s: %s\n", time.Since(began).Seconds(), tally)
			case <-soaking.Done():
				return
			}
		}
	}()
	err = crowd(ctx, soakClients, func(ctx context.Context, i int) error {
		s := newSoaker(seed, i, mix, t.Client(2*runTimeout))
		defer s.client.Close()
		for soaking.Err() == nil {
			if err := s.next(ctx, soaking, tally); err != nil {
				return err
			}
		}
		return nil
	})
	cancel()
	<-told
	fmt.Fprintf(progress, "soak: %.0f s: %s\n", time.Since(began).Seconds(), tally)
	return tally, errors.Join(err, ctx.Err())
}

// next draws a kind, does it, and stays away for a moment.
func (s *soaker) next(ctx, soaking context.Context, tally *Tally) error {
	kind := s.draw()
	refused, err := kind.act(ctx, s, tally.kinds[kind.name])
	if err != nil {
		return fmt.Errorf("%s: %w", kind.name, err)
	}
	away := soakThought
	if refused {
		away = soakRefused
	}
	select {
	case <-time.After(time.Duration(s.random.Int64N(int64(away)))):
	case <-soaking.Done():
	}
	return nil
}

// draw chooses a kind by its weight.
func (s *soaker) draw() soakKind {
	sum := 0
	for _, k := range s.kinds {
		sum += k.weight
	}
	n := s.random.IntN(sum)
	i := slices.IndexFunc(s.kinds, func(k soakKind) bool { n -= k.weight; return n < 0 })
	return s.kinds[i]
}
