//go:build linux

package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// fallbackPython is what is measured when the server does not say what it uses.
const fallbackPython = "/usr/bin/python3"

// doctorTimeout is ample: doctor starts one zygote and runs a dozen short programs.
const doctorTimeout = 20 * time.Second

// chosenPython asks the binary which interpreter it would use.
func chosenPython(ctx context.Context, binary string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "doctor", "--json").Output()
	var doctor struct {
		Interpreter struct {
			Path string `json:"path"`
		} `json:"interpreter"`
	}
	if err == nil {
		err = json.Unmarshal(out, &doctor)
	}
	if err == nil && doctor.Interpreter.Path != "" {
		return doctor.Interpreter.Path, nil
	}
	progress("codecell doctor --json names no interpreter (%v): comparing with %s", err, fallbackPython)
	return exec.LookPath(fallbackPython)
}

// coldStarts starts the interpreter n times with nothing but itself.
func coldStarts(ctx context.Context, python string, n int) ([]time.Duration, error) {
	return timeCommand(ctx, n, python, "-I", "-S", "-c", "print(42)")
}

// timeCommand runs a program n times, one after the other.
func timeCommand(ctx context.Context, n int, name string, args ...string) ([]time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s %q: %w: %s", name, args, err, out)
		}
		took[i] = time.Since(began)
	}
	return took, nil
}

//go:embed barefork.py
var bareForkScript string

// bareFork is a warm interpreter that forks on request, and does nothing else.
type bareFork struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startBareFork returns when the interpreter has imported the modules.
func startBareFork(ctx context.Context, python string, modules []string) (*bareFork, error) {
	args := append([]string{"-I", "-c", bareForkScript}, modules...)
	b := &bareFork{cmd: exec.CommandContext(ctx, python, args...)}
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.out = bufio.NewReader(out)
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	if line, err := b.out.ReadString('\n'); err != nil || line != "ready\n" {
		return nil, errors.Join(fmt.Errorf("barefork.py said %q: %w", line, err), b.close())
	}
	return b, nil
}

// measure forks n times.
func (b *bareFork) measure(n int) ([]time.Duration, error) {
	if _, err := fmt.Fprintln(b.in, n); err != nil {
		return nil, err
	}
	line, err := b.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var took []time.Duration // nanoseconds, as in the script
	err = json.Unmarshal(line, &took)
	return took, err
}

// close ends the interpreter by ending its input.
func (b *bareFork) close() error {
	b.in.Close()
	return b.cmd.Wait()
}
