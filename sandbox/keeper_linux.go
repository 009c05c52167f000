package sandbox

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// A keeper keeps one zygote warm. It replaces it when it dies, and, before that,
// after so many runs and so much time: the fresh one is warm before the old one
// takes no more work, and the old one ends when its last run has.
type keeper struct {
	startZygote func() (*zygote, error)
	limits      ZygoteLimits
	log         *slog.Logger
	onStart     func(*zygote) // told of each zygote once it is warm

	mu        sync.Mutex
	current   *zygote // nil: none is warm
	retiring  *zygote // takes no more work, has runs in flight
	lost      int64   // zygotes that ended while they were to be kept
	forked    int64   // runs, by the zygotes that have ended
	replacing bool
	closed    bool
	lastErr   error // why the last start failed

	quit chan struct{}
	wg   sync.WaitGroup
}

// Between two attempts to start a zygote; doubled from the first to the last.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

func newKeeper(first *zygote, start func() (*zygote, error), limits ZygoteLimits, onStart func(*zygote), log *slog.Logger) *keeper {
	k := &keeper{startZygote: start, limits: limits, onStart: onStart, log: log, quit: make(chan struct{})}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.adopt(first)
	return k
}

// adopt makes a warm zygote the current one. k.mu is held.
func (k *keeper) adopt(z *zygote) {
	k.current, k.lastErr = z, nil
	k.onStart(z)
	k.wg.Go(func() {
		<-z.dead
		k.buried(z)
	})
}

// buried drops a zygote that has ended and, if it was the current one, starts another.
func (k *keeper) buried(z *zygote) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forked += z.forks.Load()
	if k.retiring == z {
		k.retiring = nil
		return
	}
	if k.current == z {
		k.current = nil
	}
	if k.closed {
		return
	}
	k.lost++
	k.log.Error("zygote lost", "event", EventZygoteLost, "pid", z.pid, "why", z.reason())
	k.replace()
}

// replace starts a zygote in the background unless that is under way. k.mu is held.
func (k *keeper) replace() {
	if k.replacing || k.closed {
		return
	}
	k.replacing = true
	k.wg.Go(func() {
		for pause := firstPause; ; pause = min(2*pause, lastPause) {
			z, err := k.startZygote()
			if k.install(z, err) {
				return
			}
			select {
			case <-k.quit:
				return
			case <-time.After(pause):
			}
		}
	})
}

// install takes the outcome of a start; true when there is no more to do.
func (k *keeper) install(z *zygote, err error) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.lastErr = err
		k.log.Error("no zygote", "error", err)
		return k.closed
	}
	k.replacing = false
	if k.closed {
		z.kill("the sandbox was closed")
		k.wg.Go(func() { <-z.dead })
		return true
	}
	if old := k.current; old != nil {
		k.retiring = old
		if old.inFlight() == 0 {
			old.retire()
		}
	}
	k.adopt(z)
	return true
}

// acquire returns the warm zygote for one run, to be given back by release.
func (k *keeper) acquire() (*zygote, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, ErrClosed
	}
	z := k.current
	if z == nil || z.lost() {
		return nil, ErrNotReady
	}
	served := z.begin()
	worn := served >= k.limits.MaxRuns || time.Since(z.born) >= k.limits.MaxAge
	if worn && k.retiring == nil { // one at a time: the reserve holds two zygotes
		k.replace()
	}
	return z, nil
}

func (k *keeper) release(z *zygote) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if z.finish() == 0 && k.retiring == z {
		z.retire()
	}
}

// counts returns how many zygotes were lost, and how many runs all of them forked.
func (k *keeper) counts() (lost, forks int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	forks = k.forked
	for _, z := range []*zygote{k.current, k.retiring} {
		if z != nil {
			forks += z.forks.Load()
		}
	}
	return k.lost, forks
}

// ready is nil when a warm zygote waits for work.
func (k *keeper) ready() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return ErrClosed
	case k.current != nil && !k.current.lost():
		return nil
	case k.lastErr != nil:
		return errors.Join(ErrNotReady, k.lastErr)
	default:
		return ErrNotReady
	}
}

// close ends every zygote with its runs and returns when all are reaped.
func (k *keeper) close() {
	k.mu.Lock()
	if !k.closed {
		k.closed = true
		close(k.quit)
	}
	for _, z := range []*zygote{k.current, k.retiring} {
		if z != nil {
			z.kill("the sandbox was closed")
		}
	}
	k.current = nil
	k.mu.Unlock()
	k.wg.Wait()
}
