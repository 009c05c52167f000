//go:build linux

package chart

import (
	"fmt"
	"strings"

	"codecell/test/e2e/cell"
)

// visitors is the data: the number of each day, from day 1 on.
var visitors = []int{12, 30, 18, 47, 41, 60, 25, 71, 54}

// The picture: the axes are all of it, so that a day and a number are a pixel.
const (
	width, height = 400, 300 // pixels
	days, most    = 10, 80   // what the axes end with; both begin with 0
	stroke        = 4        // points wide
	dpi           = 100      // pixels of 72 points
)

// The names of the three files.
const (
	table   = "visitors.csv"
	summary = "summary.json"
	figure  = "figure-1.png" // of the figure that is open at the end
)

// program is what somebody would write; %d are the constants above. The colour is ink.
const program = `
import json

import matplotlib.pyplot as plt
import pandas as pd

data = pd.read_csv("visitors.csv")
peak = data.loc[data.visitors.idxmax()]
print(f"{len(data)} days, {data.visitors.sum()} visitors, most of them on day {peak.day}")
with open("summary.json", "w") as out:
    json.dump({"days": len(data), "mean": data.visitors.mean(), "peak": int(peak.visitors)}, out)

figure, axes = plt.subplots(figsize=(%d / %d, %d / %[2]d), dpi=%[2]d)
axes.set_position([0, 0, 1, 1])
axes.set_axis_off()
axes.set_xlim(0, %[4]d)
axes.set_ylim(0, %[5]d)
axes.plot(data.day, data.visitors, color="#d62728", linewidth=%[6]d)
`

// Request is the program with its CSV.
func Request() cell.Request {
	var csv strings.Builder
	csv.WriteString("day,visitors\n")
	for i, n := range visitors {
		fmt.Fprintf(&csv, "%d,%d\n", i+1, n)
	}
	return cell.Request{
		Code:    fmt.Sprintf(program, width, dpi, height, days, most, stroke),
		Files:   []cell.File{{Name: table, Content: []byte(csv.String())}},
		Outputs: []string{summary},
		Timeout: 60,
	}
}
