// Package attack has programs that try to get out of a jail, and says how each
// ended. They are a part of the attack table of package sandbox's tests, where each
// is held to what it declares of itself and must win outside; `codecell doctor`
// makes the same ones on the machine that it examines.
//
// A program is Python behind Prelude. It makes raw system calls, by numbers that
// Fill puts in for the architecture, says how it ended in a word of its own (see
// Read), and never does harm where it wins.
package attack

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// Prelude goes before every program.
//
//go:embed prelude.py
var Prelude string

//go:embed refused/*.py bounded/*.py
var files embed.FS

// A Program is one file. Its first lines are comments: what it tries, and in those
// of Refused, which jail holds it.
type Program struct {
	Name string // of the file, without its suffix
	Text string // with places to fill, without Prelude
}

// Refused are programs that try what a run may not do: the jail refuses it.
func Refused() []Program { return load("refused") }

// Bounded are programs that do what a run may do, but too much of it, or twice: it
// is for whoever runs them to look at what came of it.
//
//	overtime      @SECONDS@ long
//	output_flood  prints @TOO_MUCH@ bytes
//	earlier_run   wins when an earlier one has left anything: to be run twice
func Bounded() []Program { return load("bounded") }

func load(dir string) (all []Program) {
	list, err := files.ReadDir(dir)
	for _, file := range list {
		var text []byte
		if err == nil {
			text, err = files.ReadFile(path.Join(dir, file.Name()))
		}
		all = append(all, Program{strings.TrimSuffix(file.Name(), ".py"), string(text)})
	}
	if err != nil {
		panic(err) // they are embedded
	}
	return all
}

// place is what Fill replaces: a system call's name, or a value's.
var place = regexp.MustCompile(`@(?:[a-z0-9_]+|[A-Z_]+)@`)

// Fill puts values into the places of a program: for @NAME@ what values have, for
// @name@ the number of that system call on this architecture (GOARCH's name), or
// None where it has no such call.
func Fill(text, architecture string, values map[string]string) (string, error) {
	table, err := arch.GetInfo(architecture)
	if err != nil {
		return "", fmt.Errorf("attack: %w", err)
	}
	var missing []string
	filled := place.ReplaceAllStringFunc(text, func(found string) string {
		name := strings.Trim(found, "@")
		if name == strings.ToLower(name) {
			if number, ok := table.SyscallNames[name]; ok {
				return strconv.Itoa(number)
			}
			return "None"
		}
		value, ok := values[name]
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if missing != nil {
		return "", fmt.Errorf("attack: no value for %q, only for %q", missing, slices.Sorted(maps.Keys(values)))
	}
	return filled, nil
}
