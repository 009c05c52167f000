//go:build e2e && linux

package e2e

import (
	"strings"
	"testing"
)

// A python is an interpreter with the files of the machine it is on.
type python struct {
	name string
	// version begins that of the interpreter which the server chooses; empty: any.
	version string
	// root has the machine's files; nil: it is this machine.
	root func(*testing.T) string
}

// pythons are the ones that Debian has: of the release that this was written on,
// and of the next.
var pythons = []python{
	{name: "this machine's"},
	{name: "Debian trixie's", version: "3.13.", root: trixie},
}

// wrap returns what stands before a program for it to run on the python's
// machine, less what is hidden, with shares of this one.
func (p python) wrap(t *testing.T, hidden []string, shares ...string) []string {
	t.Helper()
	if p.root != nil {
		hidden = append([]string{"root=" + p.root(t)}, hidden...)
		for _, path := range shares {
			hidden = append(hidden, "share="+path)
		}
	}
	if hidden == nil {
		return nil
	}
	return []string{hide, strings.Join(hidden, ","), "--"}
}

// TestAttacksWorkOutside is the attacks' positive control: a plain interpreter
// lets every one of them through.
func TestAttacksWorkOutside(t *testing.T) {
	for _, p := range pythons {
		t.Run(p.name, func(t *testing.T) {
			wrap := p.wrap(t, nil)
			if wrap == nil {
				requireCommand(t, "python3")
			}
			for _, attack := range attacks {
				t.Run(attack.name, func(t *testing.T) { attack.control(t, wrap...) })
			}
		})
	}
}
