package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// lastCalls is how long the port stays open once the last run has ended. What
// holds callers back while another one is served (Knative's queue-proxy, with
// containerConcurrency) sends the next at the very moment of that one's reply: it
// is to read 503 and why, where a closing port would reset its connection.
const lastCalls = 200 * time.Millisecond

// lastReplies is how long the answers to requests that came during the drain
// may still take: those of earlier ones are written when Drain returns. Cloud
// Run kills 10 s after its SIGTERM; function.Drain takes up to 9 of them, and lastCalls comes before this.
const lastReplies = 500 * time.Millisecond

// drainer is what has to end before the server may: *function.Service.
type drainer interface {
	// Drain refuses new runs and returns when those in flight have ended, by
	// themselves or killed, and their replies are written. An error says that
	// some were killed.
	Drain(ctx context.Context) error
}

// serveUntil serves l until stop is done and then ends in order: first nothing
// new is run, while the port stays open, so that the platform's probes and the
// callers that it still sends here read why (503), instead of being refused a
// connection; then the replies are written; then, after lastCalls, the port closes.
//
// The caller closes the service afterwards: until the last reply is written
// its handlers may use it. An error means that the server itself failed.
func serveUntil(stop context.Context, server *http.Server, l net.Listener, service drainer, log *slog.Logger) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err // not http.ErrServerClosed: nobody has called Shutdown yet
	case <-stop.Done():
	}
	log.Info("draining", "cause", context.Cause(stop))
	ctx := context.WithoutCancel(stop) // which is done
	if err := service.Drain(ctx); err != nil {
		log.Warn("not everything ended in time", "error", err)
	}

	select {
	case err := <-served:
		return err
	case <-time.After(lastCalls):
	}
	ctx, cancel := context.WithTimeout(ctx, lastReplies)
	defer cancel()
	if err := server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = server.Close() // what is left reads too slowly, or never sent a request
	} else if err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("drained")
	return nil
}
