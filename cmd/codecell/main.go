// Command codecell runs untrusted Python behind HTTP, or one program at a
// terminal, in the jail of package sandbox.
//
//	codecell [serve]      POST /execute and the rest of the contract, on PORT
//	codecell run FILE|-   one program, its streams and exit code passed through
//	codecell doctor       what this machine gives: layers, memory, interpreter; attacks on it
//	codecell version      what was built
//
// Variables of the environment configure all of them alike; package function
// lists them. The sandbox also re-executes this binary as the launcher of its
// interpreters: see sandbox/internal/launch.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

type cli struct {
	Serve   serveCmd   `cmd:"" default:"1" help:"Serve POST /execute on PORT until SIGTERM (the default)."`
	Run     runCmd     `cmd:"" help:"Run one program in the same jail."`
	Doctor  doctorCmd  `cmd:"" help:"Say whether this machine can run programs safely, and why."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// world is what the commands may touch of the process around them. What they
// have to say on stderr at their end is their error's.
type world struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr *os.File
}

func main() {
	var c cli
	command := kong.Parse(&c,
		kong.Name("codecell"),
		kong.Description("Runs untrusted Python, one program at a time per container. Variables of the environment configure it: see the README."),
		kong.UsageOnError())
	err := command.Run(world{getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr})
	code, last := farewell(err)
	fmt.Fprint(os.Stderr, last)
	os.Exit(code)
}

// An exitError is an end with a certain exit code.
type exitError struct {
	code int
	last string // for stderr, as it is; may be empty
}

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// farewell is how the process ends for a command's error: unless it is an
// exitError, with code 1 and why, in one sentence.
func farewell(err error) (code int, last string) {
	var exit exitError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &exit):
		return exit.code, exit.last
	}
	return 1, sentence(err)
}

func sentence(err error) string { return fmt.Sprintf("codecell: %v\n", err) }
