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
)

type doctorCmd struct {
	JSON bool `help:"Print JSON."`
}

// Help says what the exit code means.
func (doctorCmd) Help() string {
	return `Starts the sandbox as serve would, with the same variables of the environment,
and says what it found. Exit code 0: serve starts here; 1: it refuses, and why.`
}

// Run examines this machine. It ends with exit code 1 where serve would refuse
// to start.
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
	if !found.Fit {
		return exitError{code: 1}
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

// examine starts a sandbox, looks at it and ends it.
func examine(ctx context.Context, w world) diagnosis {
	config, err := function.ParseConfig(w.getenv)
	if err != nil {
		return diagnosis{Refusal: err.Error()}
	}
	cell, err := config.SandboxConfig(newLog(w.stderr, slog.LevelWarn, atTerminal(w.stderr)))
	if err != nil {
		return diagnosis{Refusal: err.Error()}
	}
	found := diagnosis{Profile: cell.Profile.Name}
	box, err := sandbox.New(ctx, cell)
	var lacking *sandbox.RequireError
	if errors.As(err, &lacking) {
		// What else there is can still be seen: by not asking for it.
		found.Refusal = err.Error()
		cell.Require = []string{}
		box, err = sandbox.New(ctx, cell)
	}
	if err != nil {
		if found.Refusal == "" {
			found.Refusal = err.Error()
		}
		var full *sandbox.BudgetError
		if errors.As(err, &full) {
			found.Budget = budgetOf(full.Budget)
		}
		return found
	}
	p := portraitOf(box)
	found.Interpreter, found.Isolation, found.Budget = interpreterOf(p.interpreter), p.layers, budgetOf(p.budget)
	if err := box.Close(); err != nil && found.Refusal == "" {
		found.Refusal = fmt.Sprintf("the sandbox started but did not end: %v", err)
	}
	found.Fit = found.Refusal == ""
	return found
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
	verdict := "refused: " + d.Refusal
	if d.Fit {
		verdict = "fit: codecell serve starts here with profile " + d.Profile
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n", verdict)
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
