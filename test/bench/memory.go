//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"codecell/test/e2e/cell"
)

// memory is resident memory in bytes, pages shared with others included.
type memory struct {
	Server int64 `json:"server_bytes"`
	Zygote int64 `json:"zygote_bytes"`
}

// footprint is what the processes hold and what a run touches.
type footprint struct {
	Idle   memory `json:"rss_idle"`
	Loaded memory `json:"rss_loaded"` // the most that was seen
	Limit  memory `json:"rss_limit"`  // a trivial Go server, a Python with the same modules
	Faults faults `json:"minor_faults_per_run"`
}

// loadEvery is the time from one look at a server under load to the next.
const loadEvery = 100 * time.Millisecond

// measureMemory looks at an idle server, and at one with two slots: for the page
// faults of some runs, and then under load.
func measureMemory(ctx context.Context, b *bench) (err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: b.binary, Env: twoSlots})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	bare, err := startBareFork(ctx, b.report.Python, b.modules)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	trivial, err := startTrivial(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trivial.close()) }()

	f := &b.report.Footprint
	b.step(0, 3)
	if f.Idle, err = idle(ctx, b.binary); err != nil {
		return err
	}
	if f.Limit.Server, err = resident(trivial.cmd.Process.Pid); err != nil {
		return err
	}
	if f.Limit.Zygote, err = resident(bare.cmd.Process.Pid); err != nil {
		return err
	}
	b.step(1, 3)
	if err := measureFaults(&f.Faults, b.plan.faults, s, bare); err != nil {
		return err
	}
	b.step(2, 3)
	f.Loaded, err = underLoad(s, 2*b.plan.throughput)
	return err
}

// idle is what a server holds that has only just started, as it comes.
func idle(ctx context.Context, binary string) (m memory, err error) {
	s, err := cell.Start(ctx, cell.Options{Binary: binary})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	return look(s)
}

// look is what server and zygote hold now; of two zygotes, the larger one.
func look(s *cell.Server) (m memory, err error) {
	if m.Server, err = resident(s.Proc.PID); err != nil {
		return m, err
	}
	zygotes, err := s.Zygotes()
	if err != nil {
		return m, err
	}
	if len(zygotes) == 0 {
		return m, fmt.Errorf("the server %v has no zygote", s.Proc)
	}
	for _, z := range zygotes {
		m.Zygote = max(m.Zygote, z.RSS)
	}
	return m, nil
}

func resident(pid int) (int64, error) {
	p, err := cell.Process(pid)
	return p.RSS, err
}

// underLoad is the most that was seen while many clients posted.
func underLoad(s *cell.Server, during time.Duration) (most memory, err error) {
	done := make(chan error, 1)
	go func() {
		_, err := runsPerSecond(address(s), 4*slots, during)
		done <- err
	}()
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return most, err
		case <-tick.C:
		}
		now, err := look(s)
		if err != nil {
			return most, errors.Join(err, <-done)
		}
		most.Server, most.Zygote = max(most.Server, now.Server), max(most.Zygote, now.Zygote)
	}
}
