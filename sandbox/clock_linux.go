package sandbox

import (
	"time"

	"golang.org/x/sys/unix"
)

// A clock turns readings of CLOCK_MONOTONIC that another process made into times
// of this one's: Python and Go read the same clock, but Go does not show its value.
type clock struct {
	now  time.Time
	mono int64 // ns
}

func newClock() (clock, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return clock{}, err
	}
	return clock{time.Now(), ts.Nano()}, nil
}

// time is when the reading was made; zero for no reading. Only for the last hour:
// what is further off is put at its edge.
func (c clock) time(reading uint64) time.Time {
	if reading == 0 {
		return time.Time{}
	}
	const most = uint64(time.Hour)
	now := uint64(c.mono)
	if reading > now {
		return c.now.Add(time.Duration(min(reading-now, most)))
	}
	return c.now.Add(-time.Duration(min(now-reading, most)))
}
