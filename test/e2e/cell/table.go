package cell

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table collects rows and prints them in columns.
type Table struct {
	rows [][]string
}

// NewTable returns a table with these column heads.
func NewTable(heads ...string) *Table { return &Table{rows: [][]string{heads}} }

// Row adds a row; every cell is printed as fmt.Sprint would.
func (t *Table) Row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

// Print writes the table.
func (t *Table) Print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range t.rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	tw.Flush()
}
