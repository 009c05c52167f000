package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"codecell/sandbox"
)

// A portrait is what a sandbox found and settled at start-up, for people.
type portrait struct {
	profile     *sandbox.Profile
	interpreter sandbox.Interpreter
	layers      []sandbox.Layer
	budget      sandbox.Budget
}

func portraitOf(box *sandbox.Sandbox) portrait {
	return portrait{box.Profile(), box.Interpreter(), box.Layers(), box.Budget()}
}

// greet says where the server is, on what it stands, and how to try it.
func greet(w io.Writer, url string, tokens bool, p portrait) error {
	var text strings.Builder
	fmt.Fprintf(&text, "codecell serves profile %s on %s\n", p.profile.Name, url)
	fmt.Fprintf(&text, "  python\t%s\n", chosen(p.interpreter))
	for _, passed := range p.interpreter.Passed {
		fmt.Fprintf(&text, "  passed over\t%v\n", passed)
	}
	fmt.Fprintf(&text, "  layers\t%s\n", layerLine(p.layers))
	fmt.Fprintf(&text, "  memory\t%s\n", budgetLine(p.budget))
	authorization := ""
	if tokens {
		authorization = " -H 'Authorization: Bearer TOKEN'"
	}
	fmt.Fprintf(&text, "\ncurl -s %s/execute%s -H 'Content-Type: application/json' -d '{\"code\": \"print(6 * 7)\"}'\n\n", url, authorization)
	return columns(w, text.String())
}

// columns writes text with its tabs made columns.
func columns(w io.Writer, text string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(table, text); err != nil {
		return err
	}
	return table.Flush()
}

// chosen names the interpreter.
func chosen(python sandbox.Interpreter) string {
	line := fmt.Sprintf("%s (Python %s)", python.Path, python.Version)
	if python.Note != "" {
		line += ": " + python.Note
	}
	return line
}

// layerLine names the layers that hold and those that don't, in one line.
func layerLine(layers []sandbox.Layer) string {
	by := make(map[sandbox.LayerState][]string)
	for _, layer := range layers {
		by[layer.State] = append(by[layer.State], layer.Name)
	}
	parts := []string{strings.Join(by[sandbox.LayerActive], " ")}
	for _, state := range []sandbox.LayerState{sandbox.LayerAbsent, sandbox.LayerFailed} {
		if names := by[state]; len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s: %s", state, strings.Join(names, " ")))
		}
	}
	return strings.Join(parts, "; ")
}

// budgetLine is the memory's arithmetic in one line.
func budgetLine(b sandbox.Budget) string {
	return fmt.Sprintf("%d MiB (%s) - %d reserve - %d scratch = %d for runs of %d: %d fit, %s at once",
		b.Limit, b.LimitSource, b.Reserve, b.Scratch, b.ForRuns(), b.Weight, b.Fits, plural(b.Slots, "run"))
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}
