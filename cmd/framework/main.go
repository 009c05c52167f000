// Command framework serves the same function as codecell under the server of
// the functions framework: the ordinary run of a function for its developer.
// That server has no time-outs and no connection cap; containers run codecell.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"codecell/function"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "framework: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	// NotifyContext's second result gives signals their usual effect back: the
	// next one ends the process at once.
	stop, reset := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer reset()
	// Before listening: the port opens only when an interpreter is warm.
	service, err := function.Load(stop, os.Getenv, slog.Default())
	if err != nil {
		return err
	}
	config := service.Config()
	slog.SetLogLoggerLevel(config.LogLevel)
	if os.Getenv("FUNCTION_TARGET") == "" { // else only the path /Execute would be served
		if err := os.Setenv("FUNCTION_TARGET", "Execute"); err != nil {
			return err
		}
	}
	host := ""
	if config.Loopback { // LOCAL_ONLY=true
		host = "127.0.0.1"
	}
	served := make(chan error, 1)
	go func() { served <- funcframework.StartHostPort(host, strconv.Itoa(config.Port)) }()
	select {
	case err = <-served: // it never ends well
	case <-stop.Done():
		reset()
		// There is no way to shut this server down. When Drain returns, every
		// reply has been handed to the kernel, which delivers it without us.
		if err := service.Drain(context.WithoutCancel(stop)); err != nil {
			slog.Warn("not everything ended in time", "error", err)
		}
	}
	if err := service.Close(); err != nil {
		slog.Error("the sandbox did not end", "error", err)
	}
	return err
}
