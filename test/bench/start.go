//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"time"

	"codecell/test/e2e/cell"
)

const (
	starts       = 5
	startTimeout = 20 * time.Second
)

// measureStart takes the time from the exec of the binary to its first answer
// to a program, and next to it the start of an interpreter that does nothing.
func measureStart(ctx context.Context, r *report, binary string) error {
	for n := range starts {
		progress("start %d of %d", n+1, starts)
		took, err := startToFirstResult(ctx, binary)
		if err != nil {
			return err
		}
		r.Start.add([]time.Duration{took})
		bare, err := timeCommand(ctx, 1, r.Python, "-I", "-c", "pass")
		if err != nil {
			return err
		}
		r.BareStart.add(bare)
	}
	return nil
}

func startToFirstResult(ctx context.Context, binary string) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	began := time.Now()
	s, err := cell.Launch(cell.Options{Binary: binary})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	for {
		status, err := tryOnce(strings.TrimPrefix(s.URL, "http://"))
		if err == nil && status == http.StatusOK {
			return time.Since(began), nil
		}
		if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			return 0, err
		}
		select {
		case <-tick.C:
		case <-s.Exited():
			return 0, fmt.Errorf("the server exited; its log:\n%s", s.Log())
		case <-ctx.Done():
			return 0, fmt.Errorf("no 200 (last: %d, %w); its log:\n%s", status, ctx.Err(), s.Log())
		}
	}
}

// tryOnce posts the program over a connection of its own.
func tryOnce(address string) (status int, err error) {
	c, err := newRawClient(address, "/execute", program)
	if err != nil {
		return 0, err
	}
	defer c.close()
	return c.do()
}
