package manifest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// composeFile is the part of a compose file that ours may use; its owner's own
// types would bring hundreds of packages along for it.
type composeFile struct {
	Services map[string]struct {
		Image       string            `json:"image"`
		Ports       []string          `json:"ports"`
		Environment map[string]string `json:"environment"`
		Memory      string            `json:"mem_limit"`
		WithSwap    string            `json:"memswap_limit"`
		CPUs        float64           `json:"cpus"`
		ReadOnly    bool              `json:"read_only"`
		Drop        []string          `json:"cap_drop"`
		Security    []string          `json:"security_opt"`
		Grace       string            `json:"stop_grace_period"`
		Restart     string            `json:"restart"`
	} `json:"services"`
}

// ParseCompose reads a compose file with the one service codecell, and looks at
// what only such a file says.
func ParseCompose(document []byte) (Service, error) {
	var file composeFile
	if err := strictly(document, &file); err != nil {
		return Service{}, fmt.Errorf("not a compose file: %w", err)
	}
	c, ok := file.Services["codecell"]
	if !ok || len(file.Services) != 1 {
		return Service{}, errors.New("not a compose file with the service codecell alone")
	}
	grace, err := time.ParseDuration(c.Grace)
	if err != nil {
		return Service{}, fmt.Errorf("stop_grace_period: %w", err)
	}
	mebibytes, ok := strings.CutSuffix(c.Memory, "m")
	var wrong []string
	need := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, what)
		}
	}
	need(ok, "mem_limit is not in m, which is MiB here")
	need(c.WithSwap == c.Memory, "memswap_limit is not mem_limit: what is over the limit would go to swap")
	need(c.ReadOnly, "no read_only: true: what can be written is a disk without a limit")
	need(slices.Contains(c.Drop, "ALL"), "no cap_drop: [ALL]")
	need(slices.Contains(c.Security, "no-new-privileges:true"), "no no-new-privileges in security_opt")
	port := int64(0)
	for _, p := range c.Ports {
		_, err := fmt.Sscanf(p, "127.0.0.1:8080:%d", &port)
		need(err == nil, fmt.Sprintf("ports: %q is not one of this machine's alone", p))
	}
	if len(wrong) > 0 {
		return Service{}, errors.New(strings.Join(wrong, "\n"))
	}
	return Service{
		Platform: Compose, Name: "codecell", Env: c.Environment, Grace: grace, Port: port, Memory: mebibytes + "Mi",
	}, nil
}
