//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"codecell/test/e2e/cell"
)

const startTimeout = 20 * time.Second

// measureStart takes the time from the exec of the binary to its first answer
// to a program, and next to it the start of an interpreter that does nothing.
func measureStart(ctx context.Context, b *bench) error {
	p := &b.report.Start
	p.Name = "start to first result"
	for n := range b.plan.starts {
		b.step(n, b.plan.starts)
		took, err := startToFirstResult(ctx, b.binary)
		if err != nil {
			return err
		}
		p.Ours.add([]time.Duration{took})
		bare, err := timeCommand(ctx, 1, b.report.Python, "-I", "-c", "pass")
		if err != nil {
			return err
		}
		p.Limit.add(bare)
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
		status, err := tryOnce(address(s))
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
	c := newRawClient(address, post(print42.body()))
	defer c.close()
	return c.do()
}
