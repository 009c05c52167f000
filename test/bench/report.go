//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"codecell/test/e2e/cell"
)

// report is everything that was measured, as it is written. What was not asked for
// is zero.
type report struct {
	Machine       machineInfo  `json:"machine"`
	Python        string       `json:"python"`
	PythonVersion string       `json:"python_version"`
	Isolation     []cell.Layer `json:"isolation"`
	Rounds        int          `json:"rounds"`
	Short         bool         `json:"short"`

	Start      pair       `json:"start_to_first_result"`
	Latency    latency    `json:"latency"`
	Paced      pair       `json:"latency_at_50_per_second"`
	Throughput throughput `json:"throughput"`
	Refusals   refusals   `json:"refusals"`
	Footprint  footprint  `json:"memory"`
	Steps      steps      `json:"steps"`
	Layers     layers     `json:"layers"`
	Packages   packages   `json:"packages"`

	Expectations []expectation      `json:"expectations"`
	Ratios       map[string]float64 `json:"ratios"` // what a later run is compared with
}

// print writes the tables of the stages that were done, and what is expected.
func (r *report) print(w io.Writer, done []stage) {
	fmt.Fprintf(w, "\n%s\nPython %s, %s; %d rounds\n", r.Machine, r.PythonVersion, r.Python, r.Rounds)
	for _, s := range done {
		for _, t := range s.tables(r) {
			fmt.Fprintln(w)
			t.Print(w)
		}
	}
	if r.Expectations != nil {
		fmt.Fprintln(w)
		expectationTable(r.Expectations).Print(w)
	}
}

func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bench: all figures are in %s\n", path)
	return nil
}
