//go:build e2e && linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codecell/test/e2e/cell"
)

// mbppProgram is one line of the file: a program of the sanitized "Mostly Basic
// Python Problems" with the assertions that it has to pass.
type mbppProgram struct {
	TaskID      int      `json:"task_id"`
	Code        string   `json:"code"`
	TestImports []string `json:"test_imports"`
	TestList    []string `json:"test_list"`
}

func (p mbppProgram) source() string {
	return strings.Join(slices.Concat(p.TestImports, []string{p.Code}, p.TestList), "\n")
}

var importRefused = regexp.MustCompile(`^Line \d+: import of '(\w+)' is not allowed`)

// TestMBPP runs 257 programs that people wrote. All of them pass under plain
// Python 3.11; the profile refuses nine by what they import.
func TestMBPP(t *testing.T) {
	path := os.Getenv("MBPP")
	if path == "" {
		t.Skip("MBPP names no file of programs")
	}
	programs := readMBPP(t, path)
	want := map[string]int{"ok": 248, "heapq": 3, "cmath": 2, "array": 2, "sys": 1, "copy": 1}
	got := map[string]int{}
	c := client(t, start(t, cell.Options{}))
	for i, p := range programs {
		a := execute(t, c, cell.Request{Code: p.source(), Timeout: 30})
		verdict, err := mbppVerdict(a)
		if err != nil {
			t.Errorf("task %d: %v", p.TaskID, err)
		}
		got[verdict]++
		if (i+1)%50 == 0 {
			t.Logf("%d of %d programs", i+1, len(programs))
		}
	}
	table := cell.NewTable("verdict", "programs", "expected")
	for _, verdict := range slices.Sorted(maps.Keys(got)) {
		name := verdict
		if verdict != "ok" {
			name = "refused: import of " + verdict
		}
		table.Row(name, got[verdict], want[verdict])
	}
	table.Row("all", len(programs), 257)
	table.Print(t.Output())
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// mbppVerdict returns "ok" or the module for which the program was refused.
func mbppVerdict(a cell.Answer) (string, error) {
	if a.OK("") {
		return "ok", nil
	}
	if a.Status != http.StatusBadRequest || a.Problem() != "policy" {
		return "wrong", fmt.Errorf("want ok or a refused import, got %s", a)
	}
	for _, v := range a.Violations {
		if m := importRefused.FindStringSubmatch(v); m != nil {
			return m[1], nil
		}
	}
	return "wrong", fmt.Errorf("refused, but for no import: %q", a.Violations)
}

func readMBPP(t *testing.T, path string) []mbppProgram {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var programs []mbppProgram
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p mbppProgram
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		programs = append(programs, p)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return programs
}
