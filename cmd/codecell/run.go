package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"codecell/function"
	"codecell/sandbox"
)

// Exit codes of `codecell run` beside the program's own, chosen as timeout(1)
// and shells have them. A program may exit with the same numbers; what is said
// on stderr tells them apart.
const (
	exitPolicy  = 2   // the policy refused the program: every violation is a line on stderr
	exitTimeout = 124 // killed at its deadline
	exitOurs    = 125 // the sandbox could not start or failed: nothing is said of the program
	exitSignal  = 128 // plus the number of the signal that ended the program, or codecell
)

type runCmd struct {
	Program []string      `arg:"" name:"file" passthrough:"" sep:"none" help:"The program, or - to read it from stdin, and what it finds in sys.argv behind its name."`
	Env     []string      `short:"e" sep:"none" placeholder:"NAME=VALUE" help:"An environment variable for it, of those that the profile allows. Repeatable."`
	File    []string      `short:"f" sep:"none" placeholder:"PATH" help:"A file that it finds in its folder, by its last name. Repeatable."`
	Output  []string      `short:"o" sep:"none" placeholder:"PATTERN" help:"Files of its folder to keep: *.csv, out/*.png, **/*.json. Repeatable."`
	Into    string        `placeholder:"DIR" default:"." help:"Where to keep them, and figures: a folder. Nothing in it is overwritten."`
	Timeout time.Duration `placeholder:"10s" help:"Wall-clock time after which it is killed. Default and maximum are the profile's."`
	Memory  int64         `placeholder:"MIB" help:"Its address space in MiB, the interpreter's included. Default and maximum are the profile's."`
}

// Help says what the exit code means.
func (runCmd) Help() string {
	return `Standard input, output and the exit code are the program's; whatever stands
behind the file is for the program too. What there is on standard input is read ahead:
in a loop that reads a list, say < /dev/null. Other exit codes:
2 the policy refused it, 124 killed at its deadline, 125 the sandbox itself
failed, 128+n ended by signal n (or codecell was: Ctrl-C kills the program).`
}

// Run runs one program and reaps it, whatever happens.
func (c runCmd) Run(w world) error {
	ctx, stopWatching := untilSignal(context.Background())
	defer stopWatching()
	result, limits, err := c.run(ctx, w)
	var refused *sandbox.PolicyError
	var stopped stopError
	switch {
	case err == nil:
		return verdict(result, limits)
	case errors.As(err, &refused):
		return exitError{exitPolicy, strings.Join(refused.Violations, "\n") + "\n"}
	case errors.As(context.Cause(ctx), &stopped): // whatever it interrupted
		return exitError{code: stopped.exitCode()}
	}
	return exitError{exitOurs, sentence(err)}
}

// run starts a sandbox for one program, and ends it.
func (c runCmd) run(ctx context.Context, w world) (result sandbox.Result, limits sandbox.Limits, err error) {
	file, args := c.Program[0], c.Program[1:]
	source, err := readSource(file, w.stdin)
	if err != nil {
		return result, limits, err
	}
	config, err := function.ParseConfig(w.getenv)
	if err != nil {
		return result, limits, err
	}
	// What the log has to say of a single run is its trouble.
	cell, err := config.SandboxConfig(newLog(w.stderr, slog.LevelWarn, atTerminal(w.stderr)))
	if err != nil {
		return result, limits, err
	}
	if limits, err = c.limits(cell.Profile); err != nil {
		return result, limits, err
	}
	cell.Slots = 1
	cell.Doors = sandbox.Doors{} // no client can hold memory here
	box, err := sandbox.New(ctx, cell)
	if err != nil {
		return result, limits, err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	job := sandbox.Job{
		Code: source, Limits: limits, Args: args, Env: c.Env, Stdout: w.stdout, Stderr: w.stderr,
		Outputs: c.Output, Figures: cell.Profile.Figures,
	}
	if job.Files, err = readFiles(c.File); err != nil {
		return result, limits, err
	}
	into, err := os.OpenRoot(c.Into)
	if err != nil {
		return result, limits, fmt.Errorf("--into: %w", err)
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	if file != "-" {
		// In the background of a terminal there is nothing to read, which must not stop us.
		signal.Ignore(syscall.SIGTTIN)
		job.Stdin = w.stdin
	}
	if result, err = box.Run(ctx, job); err == nil {
		if len(result.Denied) > 0 {
			fmt.Fprintf(w.stderr, "codecell: the kernel refused the program %s\n", strings.Join(result.Denied, ", "))
		}
		err = keepFiles(into, result.Files, w.stderr)
	}
	return result, limits, err
}

// limits are the flags, held to the profile's bounds; zero means its default.
func (c runCmd) limits(profile *sandbox.Profile) (sandbox.Limits, error) {
	bounds := profile.Limits
	if c.Timeout < 0 || c.Timeout > bounds.MaxTimeout {
		return sandbox.Limits{}, fmt.Errorf("--timeout=%v: profile %s allows more than 0s and at most %v", c.Timeout, profile.Name, bounds.MaxTimeout)
	}
	memory := sandbox.MiB(c.Memory)
	if memory != 0 && (memory < bounds.LeastMemory || memory > bounds.Memory) {
		return sandbox.Limits{}, fmt.Errorf("--memory=%d: profile %s allows %d to %d MiB", memory, profile.Name, bounds.LeastMemory, bounds.Memory)
	}
	limits := sandbox.Limits{Timeout: c.Timeout, Memory: memory}
	if limits.Timeout == 0 {
		limits.Timeout = bounds.DefaultTimeout
	}
	if limits.Memory == 0 {
		limits.Memory = bounds.Memory
	}
	return limits, nil
}

// verdict is the end of a program that ran: its exit code, with what a shell
// could not know where it was ended for it.
func verdict(result sandbox.Result, limits sandbox.Limits) error {
	switch {
	case result.TimedOut:
		return exitError{exitTimeout, fmt.Sprintf("codecell: timed out after %v\n", limits.Timeout)}
	case result.ExitCode < 0:
		signal, why := -result.ExitCode, ""
		if result.Outcome == sandbox.OutcomeMemoryLimit {
			why = fmt.Sprintf("out of memory (%d MiB): ", limits.Memory)
		}
		return exitError{exitSignal + signal, fmt.Sprintf("codecell: %sended by signal %d\n", why, signal)}
	case result.ExitCode > 0:
		return exitError{code: result.ExitCode}
	}
	return nil
}

// readSource reads a program from a file, or from stdin when name is "-".
func readSource(name string, stdin io.Reader) (string, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer file.Close()
		from = file
	}
	source, err := io.ReadAll(io.LimitReader(from, function.MaxBody+1))
	switch {
	case err != nil:
		return "", err
	case len(source) > function.MaxBody:
		return "", fmt.Errorf("%s: a program may have at most %d bytes", name, function.MaxBody)
	case !utf8.Valid(source):
		return "", fmt.Errorf("%s: not UTF-8, which is the only encoding that programs may have", name)
	}
	return string(source), nil
}
