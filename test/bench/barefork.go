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
	"os"
	"os/exec"
	"time"
)

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
	b.cmd.Stderr = os.Stderr
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

// An order is what barefork.py can be asked for.
type order struct {
	Code    string  `json:"code"`
	Parse   bool    `json:"parse"`
	Status  int     `json:"status"`
	Want    string  `json:"want"`
	Times   int     `json:"times"`
	Seconds float64 `json:"seconds"`
	Every   float64 `json:"every"`
}

func (s sample) order() order {
	return order{Code: s.code, Parse: s.parse, Status: s.bareStatus, Want: s.bareWant}
}

// measure runs the program so many times.
func (b *bareFork) measure(s sample, times int) ([]time.Duration, error) {
	o := s.order()
	o.Times = times
	return b.do(o)
}

// turn is measure, but for a first run that does not count: it finds the caches as
// others left them.
func (b *bareFork) turn(s sample, times int) ([]time.Duration, error) {
	if _, err := b.measure(s, 1); err != nil {
		return nil, err
	}
	return b.measure(s, times)
}

// do returns what each run took.
func (b *bareFork) do(o order) ([]time.Duration, error) {
	if err := json.NewEncoder(b.in).Encode(o); err != nil {
		return nil, err
	}
	line, err := b.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("barefork.py: %w", err)
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
