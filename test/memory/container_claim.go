//go:build linux

package memory

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

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

// Doctor asks the image what it makes of these options.
func Doctor(ctx context.Context, o Options, name string) (claim Claim, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var stderr bytes.Buffer
	cmd := podman(ctx, append(o.run(name), "doctor", "--json")...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return claim, fmt.Errorf("codecell doctor: %w: %s%s", err, out, &stderr)
	}
	if err := json.Unmarshal(out, &claim); err != nil {
		return claim, fmt.Errorf("codecell doctor: %w: %s", err, out)
	}
	return claim, nil
}
