package main

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"time"

	"codecell/sandbox"
	"codecell/sandbox/attack"
)

// How long programs of the self-attack may take: those that are to be refused are
// done in milliseconds, one is to be ended for taking too long.
const (
	attackTime   = 5 * time.Second
	overtimeTime = 500 * time.Millisecond
)

// A trial is an attack on the sandbox that doctor has made, from inside a run.
type trial struct {
	Attack   string `json:"attack"` // the program of package attack
	Must     string `json:"must"`
	Happened string `json:"happened"`
	Held     bool   `json:"held"` // what must happen has happened
}

// A siege makes attacks on a sandbox. Whether the programs could win at all is not
// asked here, where an attack that wins is one too many: the tests of package attack
// see each of them win outside.
type siege struct {
	box    *sandbox.Sandbox
	values map[string]string
}

// besiege makes every attack, one run at a time: it holds no more memory than a
// server with one slot. The sandbox's policy must observe, for it would refuse these
// programs, and is no jail.
func besiege(ctx context.Context, box *sandbox.Sandbox, targets *attack.Targets) (trials []trial) {
	limits := box.Profile().Limits
	s := siege{box, targets.Values(box.Interpreter().Path, int64(limits.Memory))}
	maps.Copy(s.values, map[string]string{
		"SECONDS":  strconv.FormatFloat(attackTime.Seconds(), 'f', -1, 64),
		"TOO_MUCH": strconv.Itoa(4 * sandbox.CaptureLimit),
	})
	must, judge := "fails, calls with EPERM", refused
	if box.Profile().Workspace > 0 {
		// A program may open files: which, it is not the filter that says. Its interpreter's it may read.
		must, judge = "fails", failed
		s.values["FILE"] = "/etc/passwd"
	}
	long, short := min(attackTime, limits.MaxTimeout), min(overtimeTime, limits.MaxTimeout)

	// One that is none: where nothing runs, nothing gets out either.
	trials = append(trials, s.try(ctx, attack.Program{Name: "control", Text: "print(6 * 7)"}, long, "prints 42", printed42))
	for _, p := range attack.Refused() {
		trials = append(trials, s.try(ctx, p, long, must, judge))
	}
	for _, p := range attack.Bounded() {
		switch p.Name {
		case "earlier_run":
			earlier := s.try(ctx, p, long, "finds nothing", refused)
			if earlier.Held {
				earlier = s.try(ctx, p, long, "finds nothing", refused)
			}
			trials = append(trials, earlier)
		case "output_flood":
			trials = append(trials, s.try(ctx, p, long, fmt.Sprintf("is cut at %d bytes", sandbox.CaptureLimit), cut))
		case "overtime":
			trials = append(trials, s.try(ctx, p, short, fmt.Sprintf("is ended after %v", short), ended))
		default:
			trials = append(trials, trial{p.Name, "?", "doctor does not know what must come of it, which is a bug", false})
		}
	}
	return trials
}

// try runs one program and judges it.
func (s siege) try(ctx context.Context, p attack.Program, timeout time.Duration, must string, judge func(sandbox.Result) (string, bool)) trial {
	t := trial{Attack: p.Name, Must: must}
	code, err := attack.Fill(attack.Prelude+p.Text, runtime.GOARCH, s.values)
	if err == nil {
		var result sandbox.Result
		result, err = s.box.Run(ctx, sandbox.Job{Code: code, Limits: sandbox.Limits{Timeout: timeout}})
		t.Happened, t.Held = judge(result)
	}
	if err != nil {
		t.Happened, t.Held = "could not be tried: "+err.Error(), false
	}
	return t
}

// The judges of what came of a program.

func printed42(r sandbox.Result) (string, bool) {
	if r.Outcome != sandbox.OutcomeOK || string(r.Stdout.Data) != "42\n" {
		return untold(r), false
	}
	return "printed 42", true
}

func refused(r sandbox.Result) (string, bool) {
	end, said := attack.Read(string(r.Stdout.Data), r.ExitCode)
	switch end {
	case attack.Unknown:
		return untold(r), false
	case attack.Lost:
		return said, attack.Held(end, said)
	}
	return strings.TrimSpace(string(end) + " " + said), attack.Held(end, said)
}

// failed is refused where what keeps a program from a file may be another layer than
// the filter.
func failed(r sandbox.Result) (string, bool) {
	said, _ := refused(r)
	end, _ := attack.Read(string(r.Stdout.Data), r.ExitCode)
	return said, end == attack.Lost || end == attack.Killed
}

func cut(r sandbox.Result) (string, bool) {
	return fmt.Sprintf("%d bytes are left", len(r.Stdout.Data)), r.Outcome == sandbox.OutcomeOK && r.Stdout.Truncated && len(r.Stdout.Data) <= sandbox.CaptureLimit
}

func ended(r sandbox.Result) (string, bool) {
	if !r.TimedOut {
		return untold(r), false
	}
	return fmt.Sprintf("ended after %v", r.Usage.Wall.Round(time.Millisecond)), true
}

// untold says how a program ended that was to say something else.
func untold(r sandbox.Result) string {
	said := strings.TrimSpace(string(r.Stdout.Data) + string(r.Stderr.Data))
	if at := strings.LastIndexByte(said, '\n'); at >= 0 {
		said = said[at+1:]
	}
	return fmt.Sprintf("%s, exit code %d: %q", r.Outcome, r.ExitCode, said)
}

// notHeld names the trials that ended otherwise than they must.
func notHeld(trials []trial) (names []string) {
	for _, t := range trials {
		if !t.Held {
			names = append(names, t.Attack)
		}
	}
	return names
}
