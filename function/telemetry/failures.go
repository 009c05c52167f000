package telemetry

import (
	"log/slog"
	"sync"
	"time"
)

// EventFailed names, in the log as "event", that something could not be exported.
const EventFailed = "telemetry_failed"

// failurePause is how long the log hears nothing more of exports that fail.
const failurePause = 10 * time.Minute

// failures tells the log of the first export that failed, and then of one now
// and then, with how many there were in between.
type failures struct {
	log *slog.Logger

	mu     sync.Mutex
	told   time.Time
	silent int
}

// Handle implements otel.ErrorHandler.
func (f *failures) Handle(err error) {
	f.mu.Lock()
	if !f.told.IsZero() && time.Since(f.told) < failurePause {
		f.silent++
		f.mu.Unlock()
		return
	}
	silent := f.silent
	f.told, f.silent = time.Now(), 0
	f.mu.Unlock()
	// The text may be the other side's.
	f.log.Warn("telemetry is not exported; requests are not affected",
		"event", EventFailed, "error", Clean(err.Error(), 2*maxValue), "more_since_the_last", silent)
}
