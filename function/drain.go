package function

import (
	"context"
	"errors"
	"sync"
	"time"

	"codecell/function/telemetry"
)

// flushTime is how long replies may still take to be written once the runs have
// been killed.
const flushTime = time.Second

// ErrKilled is what Drain returns when not everything in flight ended by itself.
var ErrKilled = errors.New("function: runs were killed, or replies given up")

// Drain ends what is in flight, so that the process may exit. It closes the
// gate: from then on programs are refused with 503 and /readyz says so, while
// the port stays open. Runs may end until DrainTimeout has passed or ctx is
// done; then they are killed, and their callers get a 503 too. It returns when
// every reply that was in flight has been handed to the kernel, which delivers
// it also after the process is gone; after the kill that takes flushTime at
// most. An error is ErrKilled.
func (s *Service) Drain(ctx context.Context) error {
	s.gate.Close() // before closing: readBody counts on it
	s.close()
	patience, cancel := context.WithTimeout(ctx, s.cfg.DrainTimeout)
	defer cancel()
	if s.flights.wait(patience) {
		s.flush(patience)
		return nil
	}
	s.kill()
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	s.flights.wait(rest)
	s.flush(rest)
	return ErrKilled
}

// flush exports what telemetry still has, within flushTime: an exporter that does
// not answer must not hold the process up.
func (s *Service) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if err := s.telemetry.Flush(ctx); err != nil {
		s.log.Warn("telemetry was lost", "event", telemetry.EventFailed, "error", telemetry.Clean(err.Error(), 500))
	}
}

// flights are the exchanges whose reply is not written yet.
type flights struct {
	mu  sync.Mutex
	all map[*exchange]struct{}
}

func (f *flights) add(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[*exchange]struct{})
	}
	f.all[x] = struct{}{}
}

func (f *flights) remove(x *exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, x)
}

// wait returns true when every exchange that is in flight now has ended, or
// false when ctx has. Those that begin meanwhile are not waited for: a drain
// must end although callers keep on calling.
func (f *flights) wait(ctx context.Context) bool {
	f.mu.Lock()
	var now []*exchange
	for x := range f.all {
		now = append(now, x)
	}
	f.mu.Unlock()
	for _, x := range now {
		select {
		case <-x.flushed:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
