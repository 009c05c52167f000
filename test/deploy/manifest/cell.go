package manifest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"time"

	"codecell/function"
	"codecell/sandbox"
	"codecell/test/e2e/built"
	"codecell/test/e2e/volume"
)

// Cell is the server, and what it makes of a manifest's environment. Nothing
// about it is repeated here: the configuration is parsed by the function, the
// limits are the profile's, the budget is doctor's, the routes answer.
type Cell struct {
	Binary string // codecell
	URL    string // of one that serves
}

// figures are what a server with the environment of a manifest goes by.
type figures struct {
	slots   int           // the semaphore's limit
	longest time.Duration // that a program may run
	wait    time.Duration // that a request may wait for a slot
	drain   time.Duration // that runs may go on after SIGTERM
	limit   int64         // SANDBOX_MEMORY_LIMIT in bytes; 0: not set
	port    int

	profile   string
	workspace int64  // bytes of the folder that each program has; 0: none
	folder    string // SANDBOX_WORKSPACE
}

// figuresOf parses the environment as the server does.
func figuresOf(env map[string]string) (figures, error) {
	config, err := function.ParseConfig(func(name string) string { return env[name] })
	if err != nil {
		return figures{}, err
	}
	profile, err := sandbox.LoadProfile(config.Profile)
	if err != nil {
		return figures{}, err
	}
	return figures{
		slots:   config.MaxConcurrency,
		longest: profile.Limits.MaxTimeout,
		wait:    config.MaxWait,
		drain:   config.DrainTimeout,
		limit:   config.MemoryLimit,
		port:    config.Port,

		profile:   profile.Name,
		workspace: profile.Workspace.Bytes(),
		folder:    config.Workspace,
	}, nil
}

// diagnosis is what the rules need of doctor's report.
type diagnosis struct {
	Fit     bool   `json:"fit"`
	Refusal string `json:"refusal"`
	Budget  struct {
		Slots int64 `json:"slots"`
	} `json:"budget"`
}

// examine asks the server whether it would start in a container that has that
// much memory, the environment of a manifest and, for workspaces, a volume of so many
// bytes (0: none).
func (c Cell) examine(ctx context.Context, env map[string]string, memory, workspaces int64) (diagnosis, error) {
	env = maps.Clone(env)
	env["SANDBOX_MEMORY_LIMIT"] = fmt.Sprint(memory)
	argv := []string{c.Binary, "doctor", "--json"}
	if workspaces > 0 {
		// Not at the manifest's path, where this machine has no folder.
		dir, remove, err := built.Dir()
		if err != nil {
			return diagnosis{}, err
		}
		defer remove()
		env["SANDBOX_WORKSPACE"] = dir
		argv = slices.Concat(volume.Wrap(dir, workspaces), argv)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Run() // exit code 1: it does not fit
	var found diagnosis
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil {
		return diagnosis{}, fmt.Errorf("codecell doctor: %w, %w\n%s", failed, err, &stderr)
	}
	return found, nil
}
