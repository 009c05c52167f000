//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
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
	fmt.Fprintf(os.Stderr, "bench: codecell doctor --json names no interpreter (%v): comparing with %s\n", err, fallbackPython)
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
