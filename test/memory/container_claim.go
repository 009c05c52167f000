//go:build linux

package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"

	"codecell/test/e2e/cell"
)

// Claim is what the server says of itself with the same options: its budget and
// layers, as codecell doctor prints them.
type Claim struct {
	Fit         bool         `json:"fit"`
	Refusal     string       `json:"refusal"`
	Isolation   []cell.Layer `json:"isolation"`
	Interpreter struct {
		Path    string `json:"path"`
		Version string `json:"version"`
	} `json:"interpreter"`
	Budget struct {
		LimitMiB     int64 `json:"limit_mib"`
		ReserveMiB   int64 `json:"reserve_mib"`
		ReserveParts []struct {
			Name string `json:"name"`
			MiB  int64  `json:"mib"`
		} `json:"reserve_parts"`
		ScratchMiB int64 `json:"scratch_mib"`
		ForRunsMiB int64 `json:"for_runs_mib"`
		RunMiB     int64 `json:"run_mib"`
		Slots      int   `json:"slots"`
	} `json:"budget"`
}

// part is an addend of the reserve, in bytes.
func (c Claim) part(name string) int64 {
	for _, p := range c.Budget.ReserveParts {
		if p.Name == name {
			return p.MiB << 20
		}
	}
	return 0
}

// ServerPart is what the reserve has for the server's own process: what it held
// when it was measured and everything behind its doors, in bytes.
func (c Claim) ServerPart() int64 {
	return c.part("server") + c.part("doors") + c.part("doors per slot")
}

// ErrNotHeld is what Doctor returns, with the claim, when one of doctor's own attacks
// was not held: so it is to be where a rule was taken out.
var ErrNotHeld = errors.New("codecell doctor: an attack was not held")

// Doctor asks the image what it makes of these options.
func Doctor(ctx context.Context, o Options, name string) (claim Claim, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return claimOf(podman(ctx, append(o.run(name), "doctor", "--json")...))
}

// claimOf reads what codecell doctor --json prints.
func claimOf(cmd *exec.Cmd) (claim Claim, err error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	const code = 2 // doctor's, for an attack that was not held
	notHeld := cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == code
	if err != nil && !notHeld {
		return claim, fmt.Errorf("codecell doctor: %w: %s%s", err, out, &stderr)
	}
	if err := json.Unmarshal(out, &claim); err != nil {
		return claim, fmt.Errorf("codecell doctor: %w: %s", err, out)
	}
	if notHeld {
		return claim, fmt.Errorf("%w: %s", ErrNotHeld, out)
	}
	return claim, nil
}
