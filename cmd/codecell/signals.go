package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// A stopSignal is the cause of a context that a signal ended.
type stopSignal struct{ syscall.Signal }

func (s stopSignal) Error() string { return fmt.Sprintf("stopped by a signal: %s", s.Signal) }

// exitCode is what a shell reports for a program that the signal ended.
func (s stopSignal) exitCode() int { return 128 + int(s.Signal) }

// untilSignal returns a context that SIGINT or SIGTERM ends, with a stopSignal
// as its cause. A second one ends the process at once: the kernel then kills
// every run, by its parent-death signal. The returned function ends the watch.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for stopping := false; ; stopping = true {
			select {
			case sig := <-signals:
				number, _ := sig.(syscall.Signal)
				if stopping {
					os.Exit(stopSignal{number}.exitCode())
				}
				cancel(stopSignal{number})
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(context.Canceled)
	}
}
