//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/memory"
)

// soakFor is a minute: `make prove` has half an hour.
const soakFor = time.Minute

// TestSoak: 64 clients, each of which does everything that a client can, one after
// the other, programs that attack the memory included. In a container of 704 MiB
// nothing is killed, nobody gets what the contract does not have, and every permit
// comes back.
func TestSoak(t *testing.T) {
	group := newCgroup(t, containerMiB<<20)
	options := cell.Options{
		Binary: codecell,
		Wrap:   group.Enter(),
		Env:    []string{"SANDBOX_PROFILE=" + profile(t, "observe", "policy", "ast_scan", "mode")},
	}
	claim := doctor(t, options)
	s := start(t, options)
	c := client(t, s)
	resetServerPeak(t, s)

	seed := rand.Uint64()
	probe := memory.ProbeLivez(s.URL)
	tally, err := memory.Soak(t.Context(), &memory.Target{
		URL: s.URL, Addr: strings.TrimPrefix(s.URL, "http://"),
		Slots: claim.Budget.Slots, Server: s.Proc, SoakFor: soakFor,
	}, seed, t.Output())
	livez := probe.Stop()
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	for _, wrong := range tally.Wrong() {
		t.Errorf("seed %d: %s", seed, wrong)
	}
	eventually(t, recovery+30*time.Second, func() error { // the longest program's time
		p, err := c.Profile(t.Context())
		if err == nil && p.Admission.InFlight > 0 {
			err = fmt.Errorf("%d permits are still taken", p.Admission.InFlight)
		}
		return err
	})
	if a := execute(t, c, cell.Request{Code: "print(42)"}); !a.OK("42\n") {
		t.Errorf("the next program: %s", a)
	}
	if !s.Proc.Exists() {
		t.Error("the server is another process than before")
	}
	kills := group.oomKills(t)
	if kills != 0 {
		t.Errorf("the kernel killed %d processes", kills)
	}
	server := serverPeak(t, s)
	if server > claim.ServerPart() {
		t.Errorf("the server held %d MiB, its part of the reserve is %d", server>>20, claim.ServerPart()>>20)
	}

	kinds := cell.NewTable("kind", "seen", "runs ended")
	for _, row := range tally.Rows() {
		kinds.Row(row.Kind, story(row.Seen), story(row.Ends))
	}
	kinds.Print(t.Output())
	table := cell.NewTable("OOM kills", "peak MiB", "limit MiB", "server MiB", "reserved MiB", "livez checks", "failed", "p50", "p99", "max")
	table.Row(kills, group.peak(t)>>20, containerMiB, server>>20, claim.ServerPart()>>20,
		livez.Checks, livez.Failed, livez.P50, livez.P99, livez.Max)
	table.Print(t.Output())
}

// story says how often each was seen.
func story[K ~string](seen map[K]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		parts = append(parts, fmt.Sprintf("%dx %s", seen[k], k))
	}
	return strings.Join(parts, ", ")
}

// doctor asks the binary what it makes of these options.
func doctor(t *testing.T, o cell.Options) memory.Claim {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	args := append(slices.Clone(o.Wrap), o.Binary, "doctor", "--json")
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, o.Env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("doctor: %v\n%s", err, out)
	}
	var claim memory.Claim
	if err := json.Unmarshal(out, &claim); err != nil {
		t.Fatalf("doctor: %v\n%s", err, out)
	}
	return claim
}

// resetServerPeak lets VmHWM begin at now (proc_pid_clear_refs(5): 5).
func resetServerPeak(t *testing.T, s *cell.Server) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.Proc.PID), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// serverPeak is the most that was resident of the server since then, in bytes.
func serverPeak(t *testing.T, s *cell.Server) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Proc.PID))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no VmHWM in\n%s", text)
	return 0
}
