//go:build linux

package pod

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"codecell/test/deploy/manifest"
	"codecell/test/e2e/built"
)

// Where the way into the new network leaves what was built before it: there is
// no module proxy to be reached from inside.
const (
	codecellEnv  = "CODECELL_BIN"
	queueEnv     = "CODECELL_POD_QUEUE_PROXY"
	collectorEnv = "CODECELL_POD_COLLECTOR"
	serviceEnv   = "CODECELL_POD_SERVICE"
	scienceEnv   = "CODECELL_POD_SCIENCE"
)

// service is deploy/knative/service.yaml and science is data-science.yaml, as `make
// deploy-knative` applies them.
var service, science manifest.Service

// lacking is why there is no network of the tests' own; see requireNetwork.
var lacking error

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := stage(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pod:", err)
		code = 1
	}
	os.Exit(code)
}

func stage(m *testing.M) (int, error) {
	switch os.Getenv(stageEnv) {
	case stageNew:
		return 0, finishNetwork()
	case stageDone:
		for env, into := range map[string]*manifest.Service{serviceEnv: &service, scienceEnv: &science} {
			var err error
			if *into, err = manifest.ParseKnative([]byte(os.Getenv(env)), true); err != nil {
				return 0, err
			}
		}
		return m.Run(), nil
	}
	dir, remove, err := built.Dir()
	if err != nil {
		return 0, err
	}
	defer remove()
	codecell, err := built.Codecell(dir)
	if err != nil {
		return 0, err
	}
	queueProxy, err := built.QueueProxy(dir)
	if err != nil {
		return 0, err
	}
	otelcol, err := built.Collector(dir)
	if err != nil {
		return 0, err
	}
	env := []string{codecellEnv + "=" + codecell, queueEnv + "=" + queueProxy, collectorEnv + "=" + otelcol}
	for name, profile := range map[string]string{serviceEnv: "", scienceEnv: "data-science"} {
		shown := exec.Command("make", "--silent", "--no-print-directory", "-C", "../../..", "deploy-knative", "DRY_RUN=1", "IMAGE=codecell", "PROFILE="+profile)
		shown.Env = []string{"PATH=" + os.Getenv("PATH")} // not the flags of a make that runs this
		text, err := shown.Output()
		if err != nil {
			return 0, fmt.Errorf("make deploy-knative DRY_RUN=1: %w", err)
		}
		document, _, _ := strings.Cut(string(text), "\n---\n")
		env = append(env, name+"="+document)
	}
	code, err := inNewNetwork(env...)
	if errors.Is(err, errNoNetwork) {
		lacking = err
		return m.Run(), nil
	}
	return code, err
}

// requireNetwork skips the test where this machine gives it no network of its
// own; it fails the test when CODECELL_E2E_REQUIRE names network, or all.
func requireNetwork(t *testing.T) {
	t.Helper()
	require(t, "network", "a network namespace", lacking)
}

func require(t *testing.T, name, want string, have error) {
	t.Helper()
	if have == nil {
		return
	}
	required := strings.Split(os.Getenv("CODECELL_E2E_REQUIRE"), ",")
	if slices.Contains(required, name) || slices.Contains(required, "all") {
		t.Fatalf("%s: want %s, have: %v", name, want, have)
	}
	t.Skipf("%s: want %s, have: %v", name, want, have)
}
