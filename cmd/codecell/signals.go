package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// A stopError is the cause of a context that a signal ended.
type stopError struct{ syscall.Signal }

func (s stopError) Error() string { return fmt.Sprintf("stopped by a signal: %s", s.Signal) }

// exitCode is what a shell reports for a program that the signal ended.
func (s stopError) exitCode() int { return exitSignal + int(s.Signal) }

// untilSignal returns a context that SIGINT or SIGTERM ends, with a stopError
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
					os.Exit(stopError{number}.exitCode())
				}
				cancel(stopError{number})
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

// surviveBrokenPipes makes a write to a log that nobody reads any more an error,
// which loggers ignore, where Go would have it end the process (os/signal, "SIGPIPE"):
// with the server would go the programs of its callers.
func surviveBrokenPipes() { signal.Ignore(syscall.SIGPIPE) }
