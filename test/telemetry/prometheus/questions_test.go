//go:build linux

package prometheus

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/e2e/cgroup"
	"codecell/test/e2e/daemon"
	"codecell/test/telemetry/internal/stage"
	"codecell/test/telemetry/monitoring"
)

// between is an answer that is expected: by labels, least and most.
type between map[string][2]float64

// one and the others allow for what rate and increase add at the ends of a range.
func times(n float64) [2]float64 { return [2]float64{n * 0.9, n * 1.2} }

// What was done to the server, in numbers.
const (
	quick    = 4 // programs that print
	violates = 2 // programs that the policy refuses
	hungry   = 2 // programs that want more memory than they may have
	busy     = 3 * time.Second
	maxWait  = time.Second
	// What the container may charge. A neighbour and a run hold more together than
	// what is below the memory line, 64 MiB lower, and neither does alone.
	containerMiB = 1024
	neighbourMiB = 550
	heldMiB      = 400
)

// The four questions of an operator, each asked as docs/operations.md has it,
// after traffic of which the answers are known.
func TestQuestions(t *testing.T) {
	group := newCgroup(t, containerMiB<<20)
	s, err := cell.Start(t.Context(), cell.Options{
		Binary: stage.Codecell, Wrap: group.Enter(),
		Env: []string{"OTEL_METRICS_EXPORTER=prometheus", "SANDBOX_MAX_WAIT=" + maxWait.String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.Log())
		}
	})
	client := s.Client(time.Minute)
	t.Cleanup(client.Close)
	// A counter of ours is there from the start. A histogram's series begins with its
	// first value, which rate can't see: one of each outcome comes before the first scrape.
	for _, r := range []cell.Request{{Code: "print(0)"}, {Code: "while True: pass", Timeout: 0.1}, {Code: "held = b'1' * (600 << 20)"}} {
		execute(t, client, r)
	}
	p := startPrometheus(t, s.URL)

	began := time.Now()
	traffic(t, client)
	squeeze(t, client, group)
	loseZygotes(t, s, client)
	p.awaitScrape(t)
	took := time.Since(began).Seconds()

	documented, err := monitoring.Documented()
	if err != nil {
		t.Fatal(err)
	}
	expected := map[string]between{
		"refused in the last five minutes, by reason": {"reason=at-capacity": times(1), "reason=policy": times(violates)},
		// One of all that could have run: the quick, the hungry, the busy, the squeezed, those around the loss.
		"share of requests that found no slot":                  {"": {0.05, 0.15}},
		"seconds that a request waits for its slot, on average": {"": {0.05, 0.4}},
		// One after the other, as there is one slot, and the busy one among them.
		"seconds that a run takes, on average":         {"": {busy.Seconds() / 12, took / 8}},
		"share of its time that a run has a processor": {"": {0.2, 1.1}},
		"MiB that 19 of 20 runs stay below":            {"": {256, 512}},
		"share of runs that wanted more memory":        {"": {0.15, 0.45}},
		"MiB of a container that no run uses":          {"": {containerMiB - 300, containerMiB - 100}},
		"runs that were ended or died, by outcome":     {"outcome=memory_limit": times(hungry + 1), "outcome=timeout": times(1)},
		"programs that the policy refused":             {"": times(violates)},
		"runs killed so that the container is not":     {"": times(1)},
		"interpreters lost":                            {"": {0.9, 2.4}},
		"processes that the kernel killed for memory":  {"": {0, 0}},
	}
	if have, want := slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(expected)); !slices.Equal(have, want) {
		t.Fatalf("docs/operations.md has the queries\n%q, the test expects\n%q", have, want)
	}
	table := cell.NewTable("question", "answer")
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		answer, err := p.query(t, documented[name].Query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		table.Row(name, shown(answer))
		if !slices.Equal(slices.Sorted(maps.Keys(answer)), slices.Sorted(maps.Keys(expected[name]))) {
			t.Errorf("%s: %v, want %v", name, answer, expected[name])
		}
		for labels, value := range answer {
			if want := expected[name][labels]; !(value >= want[0] && value <= want[1]) { // nor NaN
				t.Errorf("%s: %s is %v, want %v", name, labels, value, want)
			}
		}
	}
	table.Print(t.Output())

	// The two alerts that need no patience, and no other.
	p.daemon.Await(t, func() error {
		firing, err := p.firing(t)
		if want := map[string]bool{"CodecellMemoryLineKills": true, "CodecellZygoteRestarts": true}; err == nil && !maps.Equal(firing, want) {
			err = fmt.Errorf("firing: %v, want %v", firing, want)
		}
		return err
	})
}

func shown(answer map[string]float64) string {
	var parts []string
	for _, labels := range slices.Sorted(maps.Keys(answer)) {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %.3g", labels, answer[labels])))
	}
	return strings.Join(parts, ", ")
}

func newCgroup(t *testing.T, limit int64) *cgroup.Cgroup {
	t.Helper()
	group, err := cgroup.New(fmt.Sprintf("codecell-prometheus-%d", os.Getpid()))
	stage.Require(t, "cgroup", "a memory cgroup (v1, or v2 with the memory controller) in which a child may be made", err)
	t.Cleanup(func() {
		if err := group.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := group.Limit(limit); err != nil {
		t.Fatal(err)
	}
	return group
}

// traffic is what the answers are about, but for the two events below.
func traffic(t *testing.T, c *cell.Client) {
	t.Helper()
	for range quick {
		if answer := execute(t, c, cell.Request{Code: "print(1)"}); !answer.OK("1\n") {
			t.Fatalf("a quick one: %v", answer)
		}
	}
	for range violates {
		if answer := execute(t, c, cell.Request{Code: "import os"}); answer.Problem() != "policy" {
			t.Fatalf("one that the policy refuses: %v", answer)
		}
	}
	for range hungry {
		if answer := execute(t, c, cell.Request{Code: "held = b'1' * (400 << 20)\nmore = b'1' * (400 << 20)", Timeout: 30}); answer.Outcome != "memory_limit" {
			t.Fatalf("a hungry one: %v", answer)
		}
	}
	// One keeps the only slot for longer than another may wait.
	var both sync.WaitGroup
	both.Go(func() {
		if answer := execute(t, c, cell.Request{Code: "while True: pass", Timeout: busy.Seconds()}); answer.Outcome != "timeout" {
			t.Errorf("the busy one: %v", answer)
		}
	})
	awaitRun(t, c)
	if answer := execute(t, c, cell.Request{Code: "print(2)"}); answer.Problem() != "at-capacity" {
		t.Errorf("the one behind it: %v", answer)
	}
	both.Wait()
}

// squeeze runs a program beside something that takes memory of the container's
// too: together they come to the memory line, as an attack on the budget would.
func squeeze(t *testing.T, c *cell.Client, group *cgroup.Cgroup) {
	t.Helper()
	neighbour := fmt.Sprintf("held = b'1' * (%d << 20)\nprint('held', flush=True)\nimport time\ntime.sleep(120)", neighbourMiB)
	command := append(group.Enter(), "/usr/bin/python3", "-I", "-S", "-c", neighbour)
	d := daemon.Start(t, nil, command[0], command[1:]...)
	defer d.Kill()
	d.Await(t, func() error {
		if !strings.Contains(d.Log(), "held") {
			return errors.New("it does not hold its memory yet")
		}
		return nil
	})
	answer := execute(t, c, cell.Request{Code: fmt.Sprintf("held = b'1' * (%d << 20)\nwhile True: pass", heldMiB), Timeout: 30})
	if answer.Outcome != "memory_limit" || answer.ExitCode != -9 {
		t.Errorf("the one that was squeezed: %v, want it killed", answer)
	}
}

// loseZygotes kills the interpreters, and returns when another one serves.
func loseZygotes(t *testing.T, s *cell.Server, c *cell.Client) {
	t.Helper()
	zygotes, err := s.Zygotes()
	if err != nil || len(zygotes) == 0 {
		t.Fatalf("interpreters: %v, %v", zygotes, err)
	}
	for _, z := range zygotes {
		if err := syscall.Kill(z.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		if slices.ContainsFunc(zygotes, cell.Proc.Exists) {
			return errors.New("killed ones are still there")
		}
		ready, err := c.Get(t.Context(), "/readyz")
		if err == nil && ready.Status != http.StatusOK {
			err = fmt.Errorf("/readyz: %v", ready)
		}
		return err
	})
}

func execute(t *testing.T, c *cell.Client, r cell.Request) cell.Answer {
	t.Helper()
	answer, err := c.Execute(t.Context(), r)
	if err != nil {
		t.Errorf("%v: %v", r, err)
	}
	return answer
}

func awaitRun(t *testing.T, c *cell.Client) {
	t.Helper()
	eventually(t, func() error {
		profile, err := c.Profile(t.Context())
		if err == nil && profile.Admission.InFlight == 0 {
			err = errors.New("nothing runs")
		}
		return err
	})
}

// eventually asks until ok returns nil, for 20 s at most.
func eventually(t *testing.T, ok func() error) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) { // between two looks
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after 20 s still: %v", err)
		}
	}
}
