// Command codecell runs untrusted Python behind HTTP, or one program at a
// terminal, in the jail of package sandbox.
//
//	codecell [serve]      POST /execute and the rest of the contract, on PORT
//	codecell run FILE|-   one program, its streams and exit code passed through
//	codecell doctor       what this machine gives: layers, memory, interpreter
//	codecell version      what was built
//
// Variables of the environment configure all of them alike; package function
// lists them. Package function also re-executes this binary as the launcher
// of its interpreters: see sandbox.Init.
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

// world is what the commands may touch of the process around them.
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
	w := world{getenv: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(exitStatus(command.Run(w), w.stderr))
}

// An exitCode is an error that says what to exit with and is otherwise silent:
// what there is to say was said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// exitStatus prints why a command failed, in one sentence, and returns the
// process's exit code: 1 unless the error carries another.
func exitStatus(err error, stderr io.Writer) int {
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	say(stderr, err)
	return 1
}

// say prints why a command failed.
func say(stderr io.Writer, err error) { fmt.Fprintf(stderr, "codecell: %v\n", err) }
