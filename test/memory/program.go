//go:build linux

package memory

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A program begins with its header, one line for each key, in this order:
//
//	# route: the line of docs/memory.md
//	# ends: memory_limit, memory_error
//	# outside: 1024 MiB
//	# needs: files
//	# limit: met
//
// The last two may be missing, see Attack.Needs and MeetsLimit. prelude.py is put between the header and the rest: it gives raw system calls.
//
//go:embed programs/*.py
var programs embed.FS

const preludeName = "prelude"

// programAttacks reads the programs, in the order of their names.
func programAttacks() ([]Attack, error) {
	files, err := programs.ReadDir("programs")
	if err != nil {
		return nil, err
	}
	prelude, err := programs.ReadFile(path.Join("programs", preludeName+".py"))
	if err != nil {
		return nil, err
	}
	var attacks []Attack
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".py")
		if name == preludeName {
			continue
		}
		text, err := programs.ReadFile(path.Join("programs", f.Name()))
		if err != nil {
			return nil, err
		}
		a, err := parseProgram(string(text))
		if err != nil {
			return nil, fmt.Errorf("programs/%s: %w", f.Name(), err)
		}
		a.Name = name
		a.Program = string(prelude) + a.Program
		attacks = append(attacks, a)
	}
	return attacks, nil
}

// noControl stands for what a program charges outside where that proves nothing: it
// is after the server's memory, or what it makes is not charged to a cgroup (queued
// signals), or no more than its pages are anyway (mlock).
const noControl = "nothing"

const limitMet = "# limit: met\n"

// parseProgram reads the header and leaves the rest as the program.
func parseProgram(text string) (a Attack, err error) {
	var list, size string
	rest := text
	for _, want := range []struct {
		key  string
		into *string
	}{{"route", &a.Route}, {"ends", &list}, {"outside", &size}} {
		line, after, _ := strings.Cut(rest, "\n")
		value, ok := strings.CutPrefix(line, "# "+want.key+": ")
		if !ok || value == "" || value != strings.TrimSpace(value) {
			return Attack{}, fmt.Errorf("want %q, have %q", "# "+want.key+": ...", line)
		}
		*want.into, rest = value, after
	}
	for word := range strings.SplitSeq(list, ", ") {
		if !slices.Contains(ends, End(word)) || slices.Contains(a.Ends, End(word)) {
			return Attack{}, fmt.Errorf("ends: %q: want each of %q once at most", word, ends)
		}
		a.Ends = append(a.Ends, End(word))
	}
	if size != noControl {
		mib, ok := strings.CutSuffix(size, " MiB")
		if a.Outside, err = strconv.Atoi(mib); !ok || err != nil || a.Outside < 1 {
			return Attack{}, fmt.Errorf("outside: want a number of MiB or %q, have %q", noControl, size)
		}
	}
	if line, after, _ := strings.Cut(rest, "\n"); strings.HasPrefix(line, "# needs:") {
		need, _ := strings.CutPrefix(line, "# needs: ")
		if a.Needs = Need(need); a.Needs == Nothing || !slices.Contains(needs, a.Needs) {
			return Attack{}, fmt.Errorf("needs: want one of %q, have %q", needs[1:], line)
		}
		rest = after
	}
	rest, a.MeetsLimit = strings.CutPrefix(rest, limitMet)
	if strings.TrimSpace(rest) == "" {
		return Attack{}, fmt.Errorf("no program")
	}
	a.Program = rest
	return a, nil
}
