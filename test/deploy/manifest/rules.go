package manifest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// What a server takes after its runs have ended or been killed: replies may
// still be written for a second (function.Drain), then the port stays open for a
// fifth of one, and half of one is for the replies to late requests (cmd/codecell).
const afterDrain = 1700 * time.Millisecond

// ruling is one rule: it returns a sentence for each thing that is wrong.
type ruling func(Service, figures) []string

var rules = []ruling{
	concurrency, timeouts, grace, memorySaid, portSaid, probes, annotations, account, isolated, workspaces,
}

// Check holds s to the server's rules. An error is one sentence a line.
func Check(ctx context.Context, s Service, cell Cell) error {
	f, err := figuresOf(s.Env)
	if err != nil {
		return fmt.Errorf("%v: the server would not start: %w", s, err)
	}
	var wrong []error
	say := func(sentences ...string) {
		for _, sentence := range sentences {
			wrong = append(wrong, fmt.Errorf("%v: %s", s, sentence))
		}
	}
	for _, rule := range rules {
		say(rule(s, f)...)
	}
	say(routed(ctx, s, cell)...)
	say(fits(ctx, s, f, cell)...)
	return errors.Join(wrong...)
}

// concurrency: the platform sends as many at a time as the semaphore lets in.
func concurrency(s Service, f figures) []string {
	if !s.Platform.queues() {
		if f.wait == 0 {
			return []string{"nothing in front of the server holds a request until a slot is free: without SANDBOX_MAX_WAIT all but the first are refused at once (429)"}
		}
		return nil
	}
	switch n := s.Concurrency; {
	case n == 0 && s.Platform == CloudRun:
		return []string{fmt.Sprintf("containerConcurrency is not set, which Cloud Run takes for 80: the server has room for %d, and would refuse the others (429)", f.slots)}
	case n == 0:
		return []string{fmt.Sprintf("containerConcurrency is not set, which Knative takes for no limit: the server has room for %d, and would refuse the others (429)", f.slots)}
	case n > int64(f.slots):
		return []string{fmt.Sprintf("containerConcurrency is %d, but the server runs %d at once (SANDBOX_MAX_CONCURRENCY): what is more would be refused (429), not sent to another container", n, f.slots)}
	case n < int64(f.slots):
		return []string{fmt.Sprintf("containerConcurrency is %d, but the server has memory set aside for %d at once (SANDBOX_MAX_CONCURRENCY): the rest is never used", n, f.slots)}
	}
	return nil
}

// timeouts: who runs, or waits for its slot and then runs, is not cut off.
func timeouts(s Service, f figures) []string {
	if least := f.longest + f.wait; s.Platform.queues() && s.Timeout <= least {
		return []string{fmt.Sprintf("timeoutSeconds is %v, but a program may run for %v after a wait of %v (SANDBOX_MAX_WAIT): its caller would have the platform's 504, not its output", s.Timeout, f.longest, f.wait)}
	}
	return nil
}

// grace: the server has ended before it is killed, and where there is time
// enough no run is cut short.
func grace(s Service, f figures) (wrong []string) {
	if took := s.BeforeTerm + f.drain + afterDrain; took > s.Grace {
		sentence := fmt.Sprintf("SIGKILL comes %v after the order to stop, but the drain ends %v after it (SANDBOX_DRAIN_TIMEOUT is %v, and the last replies take up to %v)", s.Grace, took, f.drain, afterDrain)
		switch {
		case s.Platform == Knative:
			sentence += fmt.Sprintf(": queue-proxy first waits for %v without a request, and the grace period is timeoutSeconds", s.BeforeTerm)
		case s.BeforeTerm > 0:
			sentence += fmt.Sprintf(", after %v of preStop", s.BeforeTerm)
		}
		wrong = append(wrong, sentence)
	}
	if s.Platform != CloudRun && f.drain < f.longest {
		wrong = append(wrong, fmt.Sprintf("a program may run for %v, but a drain kills it after %v (SANDBOX_DRAIN_TIMEOUT): there is time to let it end", f.longest, f.drain))
	}
	return wrong
}

// cloudRunSlack is the least that a Cloud Run instance is left beside what the
// server counts on: the limit is that of a microVM, kernel included.
const cloudRunSlack = 64 << 20

// memorySaid: the server counts on what the container really has.
func memorySaid(s Service, f figures) (wrong []string) {
	limit, err := resource.ParseQuantity(s.Memory)
	if err != nil {
		return []string{"no memory limit: the server would count on the memory of the whole machine"}
	}
	if s.Platform != CloudRun && f.limit != 0 && f.limit != limit.Value() {
		wrong = append(wrong, fmt.Sprintf("SANDBOX_MEMORY_LIMIT is %d MiB, but the container's limit is %s: the budget would be of another container", f.limit>>20, s.Memory))
	}
	if s.Platform == CloudRun && f.limit == 0 {
		wrong = append(wrong, "SANDBOX_MEMORY_LIMIT is not set, and the limit of a Cloud Run instance can't be read in it everywhere")
	}
	if s.Platform == CloudRun && f.limit > limit.Value()-cloudRunSlack {
		wrong = append(wrong, fmt.Sprintf("SANDBOX_MEMORY_LIMIT is %d MiB of a limit of %s: that is the microVM's, whose kernel needs some of it (leave %d MiB)", f.limit>>20, s.Memory, cloudRunSlack>>20))
	}
	if s.Platform != CloudRun && s.Platform != Compose && s.MemoryAsked != s.Memory {
		wrong = append(wrong, fmt.Sprintf("the memory request is %q, the limit %q: a node that is short of memory ends pods that have more than they asked for", s.MemoryAsked, s.Memory))
	}
	return wrong
}

// portSaid: the port is the one that the server opens. Cloud Run and Knative
// say it to the server in PORT.
func portSaid(s Service, f figures) []string {
	if said := s.Env["PORT"]; s.Platform.queues() && said != "" {
		return []string{"PORT is the platform's to set"}
	}
	if s.Port != int64(f.port) {
		return []string{fmt.Sprintf("containerPort is %d, but the server opens %d (PORT)", s.Port, f.port)}
	}
	return nil
}

// Paths by what they say: 503 while draining or without an interpreter, and 200
// whenever the process serves.
var (
	readyPaths = []string{"/ready", "/readyz"}
	livePaths  = []string{"/health", "/healthz", "/livez"}
)

// probes: each asks what it is for.
func probes(s Service, _ figures) (wrong []string) {
	if s.Platform == Compose {
		return nil // it has none that need no program in the image
	}
	want := map[string][]string{"startup": readyPaths, "readiness": readyPaths, "liveness": livePaths}
	for _, kind := range []string{"startup", "readiness", "liveness"} {
		p, ok := s.Probes[kind]
		switch {
		case !ok && kind == "startup" && s.Platform != CloudRun:
			// The others do: the port opens when the first interpreter is warm.
		case !ok:
			wrong = append(wrong, fmt.Sprintf("no %s probe", kind))
		case p.Path == "":
			wrong = append(wrong, fmt.Sprintf("the %s probe is not an HTTP probe: an open port says nothing about the interpreter behind it", kind))
		case kind == "liveness" && slices.Contains(readyPaths, p.Path):
			wrong = append(wrong, fmt.Sprintf("the liveness probe asks %s, which is 503 while the server drains: it would be killed for stopping in good order", p.Path))
		case !slices.Contains(want[kind], p.Path):
			wrong = append(wrong, fmt.Sprintf("the %s probe asks %s, want one of %v", kind, p.Path, want[kind]))
		}
		if ok && p.Path != "" && p.Port != s.Port {
			wrong = append(wrong, fmt.Sprintf("the %s probe asks port %d, the server listens on %d", kind, p.Port, s.Port))
		}
		if ok && s.Platform == Knative && kind == "readiness" && p.Period != 0 {
			wrong = append(wrong, fmt.Sprintf("the readiness probe has a period of %v: without one queue-proxy asks every 50 ms while the pod starts", p.Period))
		}
		if ok && s.Platform == CloudRun && p.Timeout >= p.Period {
			wrong = append(wrong, fmt.Sprintf("the %s probe may take %v of every %v: Cloud Run wants it to end before the next", kind, p.Timeout, p.Period))
		}
	}
	return wrong
}

// routed: each probe is a route of the server, which is asked.
func routed(ctx context.Context, s Service, cell Cell) (wrong []string) {
	for _, kind := range []string{"startup", "readiness", "liveness"} {
		p := s.Probes[kind]
		if p.Path == "" {
			continue
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, cell.URL+p.Path, nil)
		if err != nil {
			return append(wrong, err.Error())
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return append(wrong, err.Error())
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			wrong = append(wrong, fmt.Sprintf("the %s probe asks %s, which a server in good health answers with %d: it would never be found well", kind, p.Path, answer.StatusCode))
		}
	}
	return wrong
}

// fits: the server starts with that much memory, by the code that decides it.
func fits(ctx context.Context, s Service, f figures, cell Cell) []string {
	limit, err := resource.ParseQuantity(s.Memory)
	if err != nil {
		return nil // memorySaid has said it
	}
	memory := limit.Value()
	if f.limit != 0 {
		memory = min(memory, f.limit)
	}
	if len(workspaces(s, f)) > 0 {
		return nil // they have said why it does not
	}
	found, err := cell.examine(ctx, s.Env, memory, s.Mounts[f.folder].Size)
	if err != nil {
		return []string{err.Error()}
	}
	if !found.Fit {
		return []string{fmt.Sprintf("with a memory limit of %s the server does not start: %s", s.Memory, found.Refusal)}
	}
	return nil
}

// prefixes are of the annotations that platforms take for their own.
var prefixes = []string{"autoscaling.knative.dev/", "run.googleapis.com/"}

// annotations: each is one that the platform reads, in its spelling.
func annotations(s Service, _ figures) (wrong []string) {
	known := annotationsOf[s.Platform]
	plain := func(name string) string { return strings.ToLower(strings.ReplaceAll(name, "-", "")) }
	for name := range s.Annotations {
		own := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !own || slices.Contains(known, name) {
			continue
		}
		hint := ""
		if i := slices.IndexFunc(known, func(meant string) bool { return plain(meant) == plain(name) }); i >= 0 {
			hint = ": it is written " + known[i]
		}
		wrong = append(wrong, fmt.Sprintf("annotation %s is none that %s documents, and may be ignored%s", name, s.Platform, hint))
	}
	slices.Sort(wrong)
	return wrong
}
