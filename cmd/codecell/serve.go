package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"codecell/function"
	"codecell/sandbox"
)

type serveCmd struct{}

// Run serves until a signal and then drains. It returns nil after an orderly
// end, else why the server could not start or stopped.
func (serveCmd) Run(w world) error {
	stop, stopWatching := untilSignal(context.Background())
	defer stopWatching()
	config, err := function.ParseConfig(w.getenv)
	if err != nil {
		return err
	}
	log := newLog(w.stderr, config.LogLevel, atTerminal(w.stderr))
	slog.SetDefault(log) // for libraries that know no other
	surviveBrokenPipes()

	service, err := function.Load(stop, w.getenv, log)
	if err != nil {
		return interrupted(stop, err)
	}
	// The sandbox makes this process the parent of whatever loses its own, as
	// PID 1 of a container is anyhow. Not before Load, which waits for children
	// of its own: the interpreters that it asks what they are.
	orphans, leaveOrphans := context.WithCancel(context.WithoutCancel(stop))
	defer leaveOrphans()
	go sandbox.ReapOrphans(orphans)

	if err := forgetStart(); err != nil {
		log.Debug("the start's pages are kept", "error", err)
	}
	err = serve(stop, w, service, log)
	return errors.Join(err, service.Close())
}

// serve opens the port, now that an interpreter is warm, says so, and serves.
func serve(stop context.Context, w world, service *function.Service, log *slog.Logger) error {
	config := service.Config()
	l, err := listen(stop, config.Port, config.Loopback)
	if err != nil {
		return interrupted(stop, err)
	}
	limit := newConnCap(config.MaxConnections, tailTimeout)
	server := newServer(http.HandlerFunc(function.Execute), limit, log)
	for _, warning := range platformWarnings(w.getenv, config, service.Sandbox().Profile().Limits.MaxTimeout) {
		log.Warn(warning)
	}
	if url := clientURL(l.Addr()); config.Loopback || atTerminal(w.stdout) {
		// Somebody's own machine: what it says there is for a person to read. Like the
		// log, it may have nobody to read it, or no room on the disk.
		_ = greet(w.stdout, url, config.TokensFile != "", portraitOf(service.Sandbox()))
	} else {
		log.Info("listening", "url", url)
	}
	return serveUntil(stop, server, limit.Listen(l), service, log)
}

// clientURL is where somebody on this machine reaches the listener.
func clientURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// interrupted is err, unless a signal is what brought it about: then it is the
// exit code that shells have for that.
func interrupted(stop context.Context, err error) error {
	var stopped stopError
	if errors.As(context.Cause(stop), &stopped) {
		return exitError{code: stopped.exitCode()}
	}
	return fmt.Errorf("does not start: %w", err)
}
