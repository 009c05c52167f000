package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"codecell/function"
	"codecell/sandbox"
	"codecell/sandbox/attack"
)

// Exit codes of `codecell doctor`. What speaks against running programs here comes
// before what speaks against starting.
const (
	exitRefused = 1 // serve would refuse to start here
	exitNotHeld = 2 // an attack from inside a run did not end as it must
)

type doctorCmd struct {
	JSON bool `help:"Print JSON."`
}

// Help says what the exit code means.
func (doctorCmd) Help() string {
	return `Starts the sandbox as serve would, with the same variables of the environment,
attacks it from inside, and says what it found. Exit code 0: serve starts here and
every attack was held; 1: serve refuses to start, and why; 2: an attack was not held.`
}

// Run examines this machine.
func (c doctorCmd) Run(w world) error {
	stop, stopWatching := untilSignal(context.Background())
	defer stopWatching()
	found := examine(stop, w)
	if stop.Err() != nil {
		return interrupted(stop, nil)
	}
	report := diagnosis.text
	if c.JSON {
		report = diagnosis.json
	}
	if err := report(found, w.stdout); err != nil {
		return err
	}
	switch {
	case len(notHeld(found.Attacks)) > 0:
		return exitError{code: exitNotHeld}
	case !found.Fit:
		return exitError{code: exitRefused}
	}
	return nil
}

// A diagnosis is what doctor found. What could not be found out is left out.
type diagnosis struct {
	Fit         bool             `json:"fit"`               // serve starts here
	Refusal     string           `json:"refusal,omitempty"` // why it does not
	Profile     string           `json:"profile,omitempty"`
	Interpreter *interpreterInfo `json:"interpreter,omitempty"`
	Isolation   []sandbox.Layer  `json:"isolation,omitempty"`
	Attacks     []trial          `json:"attacks,omitempty"` // made where a sandbox starts
	Budget      *budgetInfo      `json:"budget,omitempty"`
}

type interpreterInfo struct {
	Path       string       `json:"path"`
	Version    string       `json:"version"`
	Note       string       `json:"note,omitempty"`
	PassedOver []passedInfo `json:"passed_over"`
}

type passedInfo struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

type budgetInfo struct {
	LimitMiB     sandbox.MiB          `json:"limit_mib"`
	LimitSource  string               `json:"limit_source"`
	ReserveMiB   sandbox.MiB          `json:"reserve_mib"`
	ReserveParts []sandbox.BudgetPart `json:"reserve_parts"`
	ScratchMiB   sandbox.MiB          `json:"scratch_mib"`
	ForRunsMiB   sandbox.MiB          `json:"for_runs_mib"`
	RunMiB       sandbox.MiB          `json:"run_mib"`
	Fits         int                  `json:"fits"`
	Slots        int                  `json:"slots"`
}

// examine starts a sandbox, looks at it, attacks it and ends it.
func examine(ctx context.Context, w world) (found diagnosis) {
	config, err := function.ParseConfig(w.getenv)
	if err != nil {
		return diagnosis{Refusal: err.Error()}
	}
	cell, err := config.SandboxConfig(newLog(w.stderr, slog.LevelWarn, atTerminal(w.stderr)))
	if err != nil {
		return diagnosis{Refusal: err.Error()}
	}
	found.Profile = cell.Profile.Name
	// In this process's copy of the profile: it is the kernel's jail that is to be
	// attacked, and the policy would refuse to run the attacks.
	policy := &cell.Profile.Policy
	policy.ASTScan.Mode, policy.BlocklistAudit.Mode = sandbox.ModeObserve, sandbox.ModeObserve
	targets, err := attack.Aim() // before the interpreter starts, which could inherit some
	if err != nil {
		return found.refuse(fmt.Errorf("doctor can't try what serve would hold: %w", err))
	}
	defer func() {
		if err := targets.Close(); err != nil {
			found = found.refuse(err)
		}
	}()

	box, err := sandbox.New(ctx, cell)
	var lacking *sandbox.RequireError
	if errors.As(err, &lacking) {
		// What else there is can still be seen: by not asking for it.
		found = found.refuse(err)
		cell.Require = []string{}
		box, err = sandbox.New(ctx, cell)
	}
	if err != nil {
		var full *sandbox.BudgetError
		if errors.As(err, &full) {
			found.Budget = budgetOf(full.Budget)
		}
		return found.refuse(err)
	}
	p := portraitOf(box)
	found.Interpreter, found.Isolation, found.Budget = interpreterOf(p.interpreter), p.layers, budgetOf(p.budget)
	found.Attacks = besiege(ctx, box, targets)
	if err := box.Close(); err != nil {
		found = found.refuse(fmt.Errorf("the sandbox started but did not end: %w", err))
	}
	found.Fit = found.Refusal == ""
	return found
}

// refuse adds why serve does not start here. The first reason counts.
func (d diagnosis) refuse(err error) diagnosis {
	d.Fit = false
	if d.Refusal == "" {
		d.Refusal = err.Error()
	}
	return d
}

func interpreterOf(python sandbox.Interpreter) *interpreterInfo {
	info := interpreterInfo{python.Path, python.Version, python.Note, []passedInfo{}}
	for _, passed := range python.Passed {
		info.PassedOver = append(info.PassedOver, passedInfo{passed.Path, passed.Why})
	}
	return &info
}

func budgetOf(b sandbox.Budget) *budgetInfo {
	return &budgetInfo{
		b.Limit, b.LimitSource, b.Reserve, b.Parts, b.Scratch, b.ForRuns(), b.Weight, b.Fits, b.Slots,
	}
}

func (d diagnosis) json(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(d)
}

func (d diagnosis) text(w io.Writer) error {
	var text strings.Builder
	starts := fmt.Sprintf("codecell serve starts here with profile %s", d.Profile)
	out := notHeld(d.Attacks)
	if len(out) > 0 {
		fmt.Fprintf(&text, "unsafe: not held here, see below: %s\n", strings.Join(out, ", "))
	}
	switch {
	case !d.Fit:
		fmt.Fprintf(&text, "refused: %s\n", d.Refusal)
	case len(out) > 0:
		fmt.Fprintf(&text, "%s all the same\n", starts)
	default:
		fmt.Fprintf(&text, "fit: %s\n", starts)
	}
	if python := d.Interpreter; python != nil {
		fmt.Fprintf(&text, "\nINTERPRETER\tVERSION\tNOTE\n%s\t%s\t%s\n", python.Path, python.Version, python.Note)
		for _, passed := range python.PassedOver {
			fmt.Fprintf(&text, "%s\tpassed over\t%s\n", passed.Path, passed.Why)
		}
	}
	if len(d.Isolation) > 0 {
		text.WriteString("\nLAYER\tSTATE\tDETAIL\n")
		for _, layer := range d.Isolation {
			fmt.Fprintf(&text, "%s\t%s\t%s\n", layer.Name, layer.State, layer.Detail)
		}
	}
	if len(d.Attacks) > 0 {
		text.WriteString("\nATTACK\t\tMUST\tHAPPENED\n")
		for _, t := range d.Attacks {
			result := "ok"
			if !t.Held {
				result = "NOT HELD"
			}
			fmt.Fprintf(&text, "%s\t%s\t%s\t%s\n", t.Attack, result, t.Must, shorten(t.Happened))
		}
	}
	if b := d.Budget; b != nil {
		fmt.Fprintf(&text, "\nMEMORY\tMIB\t\nlimit\t%d\t%s\n", b.LimitMiB, b.LimitSource)
		for _, part := range b.ReserveParts {
			fmt.Fprintf(&text, "- %s\t%d\treserve\n", part.Name, part.MiB)
		}
		fmt.Fprintf(&text, "- scratch\t%d\twhat runs may write to memory file systems\n", b.ScratchMiB)
		fmt.Fprintf(&text, "for runs\t%d\tof %d MiB each: %d fit, %s at once\n", b.ForRunsMiB, b.RunMiB, b.Fits, plural(b.Slots, "run"))
	}
	return columns(w, text.String())
}

// shorten keeps a line of the table in sight; --json has it whole.
func shorten(text string) string {
	const most = 72 // runes
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}
