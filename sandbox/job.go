package sandbox

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// MiB is an amount of memory in mebibytes (1,048,576 bytes), the unit in which
// runs are weighed and the budget is kept.
type MiB int64

// Bytes returns the amount in bytes.
func (m MiB) Bytes() int64 { return int64(m) << 20 }

// Job is one program to run and the bounds to run it in.
type Job struct {
	// Code is Python source in UTF-8.
	Code string
	// Stdin is what the program reads from its standard input, which ends where Stdin
	// does; nil is empty. The run has ended when the program has, read to its end or
	// not: Run does not wait for a Read that blocks.
	Stdin io.Reader
	// Args stand behind the program's name in sys.argv. None contains a NUL.
	Args []string
	// Env is added to the program's environment, each as NAME=VALUE without a NUL, where
	// the profile allows NAME.
	Env []string
	// Files are there when the program starts, in its workspace: CheckFileNames takes their
	// names, and there are at most MaxInputs. Outputs are patterns (see CheckPattern), at most
	// MaxPatterns, of the files that Result.Files returns. Both need a profile with a workspace.
	Files   []InputFile
	Outputs []string
	// Figures says whether to save figures that are open at the program's end, as
	// figure-1.png and so on, and to return them; only where the profile does.
	Figures bool
	// Limits are the bounds; the zero value of each means the profile's default.
	Limits Limits
	// Stdout and Stderr, when not nil, receive the program's output as it
	// arrives and uncapped; the Result's Output then stays empty. They are
	// written from one goroutine each, and a Write that blocks blocks the
	// program's stream, never the deadline.
	Stdout, Stderr io.Writer
	// Follow, when not nil, is told whenever there is more to keep of a stream: all that
	// is kept so far, at most CaptureLimit bytes, which do not change any more. It is
	// called from one goroutine for each stream, and holds its stream up while it runs.
	Follow func(s Stream, kept []byte)
	// Killed, when not nil, is called once when the run has been sent SIGKILL
	// (deadline, memory line, cancelled context) and before it is reaped: the
	// memory is about to come back.
	Killed func()
	// Timeline, when not nil, is filled in before Run returns.
	Timeline *Timeline
}

// check refuses a job that is out of the profile's bounds.
func (j Job) check(p *Profile) error {
	if j.Limits.Timeout < 0 || j.Limits.Timeout > p.Limits.MaxTimeout ||
		j.Limits.Memory < p.Limits.LeastMemory || j.Limits.Memory > p.Limits.Memory {
		return fmt.Errorf("sandbox: limits out of the profile's bounds: %+v", j.Limits)
	}
	if err := j.checkFiles(p); err != nil {
		return err
	}
	for _, variable := range j.Env {
		name, _, ok := strings.Cut(variable, "=")
		switch {
		case !ok || name == "":
			return fmt.Errorf("sandbox: variable %.40q: want NAME=VALUE", variable)
		case !p.AllowsEnv(name):
			return fmt.Errorf("sandbox: variable %.40q: profile %s does not allow it", name, p.Name)
		}
	}
	for _, text := range slices.Concat(j.Args, j.Env) {
		if strings.Contains(text, "\x00") {
			return errors.New("sandbox: a NUL in an argument or a variable")
		}
	}
	return nil
}

func (j Job) checkFiles(p *Profile) error {
	switch {
	case j.Figures && !p.Figures:
		return fmt.Errorf("sandbox: figures, but profile %s saves none", p.Name)
	case len(j.Files)+len(j.Outputs) == 0:
		return nil
	case p.Workspace == 0:
		return fmt.Errorf("sandbox: files, but profile %s has no workspace", p.Name)
	case len(j.Files) > MaxInputs || len(j.Outputs) > MaxPatterns:
		return fmt.Errorf("sandbox: %d files and %d patterns: at most %d and %d", len(j.Files), len(j.Outputs), MaxInputs, MaxPatterns)
	}
	names := make([]string, len(j.Files))
	for i, f := range j.Files {
		names[i] = f.Name
	}
	if at, err := CheckFileNames(names); err != nil {
		return fmt.Errorf("sandbox: file %.40q: %w", names[at], err)
	}
	for _, pattern := range j.Outputs {
		if err := CheckPattern(pattern); err != nil {
			return fmt.Errorf("sandbox: pattern %.40q: %w", pattern, err)
		}
	}
	return nil
}

// Stream is one of a program's two outputs, by its name.
type Stream string

const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// Limits bound one run.
type Limits struct {
	// Timeout is wall-clock time, > 0 and at most Profile.Limits.MaxTimeout.
	Timeout time.Duration
	// Memory is what Profile.Limits.MemoryKind counts, the interpreter's own included; at
	// least Profile.Limits.LeastMemory, at most Profile.Limits.Memory.
	Memory MiB
}

// MinMemory is the least address space in which the interpreter of a profile
// without packages can run a program at all.
const MinMemory MiB = 64
