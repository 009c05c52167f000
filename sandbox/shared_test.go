//go:build linux

package sandbox

import (
	"context"
	"sync"
	"testing"
)

// startProfile starts a sandbox of one of the profiles that come with us.
func startProfile(t testing.TB, name string, edit func(*Profile, *Config)) *Sandbox {
	t.Helper()
	return start(t, func(p *Profile, cfg *Config) {
		loaded, err := LoadProfile(name)
		if err != nil {
			t.Fatal(err)
		}
		*p = *loaded
		if edit != nil {
			edit(p, cfg)
		}
	})
}

// seats are the places of the tests that use a sandbox at the same time, which refuses more
// runs than it has slots.
type seats chan struct{}

// take has a place until the test ends.
func (s seats) take(t *testing.T) {
	t.Helper()
	s <- struct{}{}
	t.Cleanup(func() { <-s })
}

// standard is the sandbox of the tests that need a workspace and nothing special.
var standard = sync.OnceValues(func() (*Sandbox, error) {
	p, err := LoadProfile("standard")
	if err != nil {
		return nil, err
	}
	p.Limits.Memory, p.Workspace = 256, 4
	return New(context.Background(), Config{Profile: p, Slots: 2 * cap(standardSeats)})
})

// standardSeats are for tests of at most two runs at once.
var standardSeats = make(seats, 2)

func standardSandbox(t *testing.T) *Sandbox {
	t.Helper()
	requireWorkspaces(t)
	standardSeats.take(t)
	s, err := standard()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ok(t *testing.T, s *Sandbox, job Job) Result {
	t.Helper()
	res := runWith(t, s, job)
	if res.Outcome != OutcomeOK {
		t.Fatalf("%s %d: %s%s", res.Outcome, res.ExitCode, res.Stdout.Data, res.Stderr.Data)
	}
	return res
}
