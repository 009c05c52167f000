//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"codecell/test/e2e/cell"
)

// The one program of all measurements, and what its answer has to contain.
const (
	program = `{"code":"print(42)"}`
	printed = `"stdout":"42\n"`
)

// How often each is done in one round.
const (
	forksPerRound   = 300
	coldPerRound    = 20
	httpPerRound    = 300
	trivialPerRound = 1000
	warmUp          = 100 // before the first round
)

// measureLatency compares one client's requests with what lies below them.
func measureLatency(ctx context.Context, r *report, binary string) (err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := measureMemory(&r.RSSIdle, s); err != nil {
		return err
	}
	profileClient := s.Client(10 * time.Second)
	profile, err := profileClient.Profile(ctx)
	profileClient.Close()
	if err != nil {
		return err
	}
	r.PythonVersion, r.Isolation = profile.Runtime.Version, profile.Isolation

	bare, err := startBareFork(ctx, r.Python, profile.AllowedImports)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	trivial := httptest.NewServer(http.HandlerFunc(answerTrivially))
	defer trivial.Close()
	toTrivial, err := newRawClient(strings.TrimPrefix(trivial.URL, "http://"), "/execute", program)
	if err != nil {
		return err
	}
	defer toTrivial.close()
	toServer, err := newRawClient(strings.TrimPrefix(s.URL, "http://"), "/execute", program)
	if err != nil {
		return err
	}
	defer toServer.close()

	turns := []struct {
		samples *samples
		n       int
		measure func(n int) ([]time.Duration, error)
	}{
		{&r.BareFork, forksPerRound, bare.measure},
		{&r.Cold, coldPerRound, func(n int) ([]time.Duration, error) { return coldStarts(ctx, r.Python, n) }},
		{&r.Trivial, trivialPerRound, func(n int) ([]time.Duration, error) { return toTrivial.measure(n, printed) }},
		{&r.HTTP, httpPerRound, func(n int) ([]time.Duration, error) { return toServer.measure(n, printed) }},
	}
	for _, turn := range turns {
		if _, err := turn.measure(min(warmUp, turn.n)); err != nil {
			return err
		}
	}
	for round := range r.Rounds {
		progress("latency, round %d of %d", round+1, r.Rounds)
		for _, turn := range turns {
			took, err := turn.measure(turn.n)
			if err != nil {
				return err
			}
			turn.samples.add(took)
		}
	}
	return measureMemory(&r.RSSAfter, s)
}

// answerTrivially is the least that a Go server can do with the request: what
// it takes is the client's and the network's share.
func answerTrivially(w http.ResponseWriter, req *http.Request) {
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{"+printed+"}\n") // the client notices if it fails
}
