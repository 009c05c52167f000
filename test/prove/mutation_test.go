//go:build linux

package main

import (
	"testing"

	"codecell/test/memory"
	"codecell/test/mutant"
)

// Whatever a mutation takes away must still be there, and so must the attack that
// is to show it.
func TestMutationsFitTheProduct(t *testing.T) {
	t.Chdir("../..")
	corpus, err := memory.Corpus()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, m := range mutations {
		if names[m.name] {
			t.Errorf("two mutations are called %q", m.name)
		}
		names[m.name] = true
		files, err := mutant.Apply(m.edits)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if len(files) == 0 {
			t.Errorf("%s changes nothing", m.name)
		}
		if indexOf(corpus, m.attack) < 0 {
			t.Errorf("%s: there is no attack %q", m.name, m.attack)
		}
	}
}

func TestNoticed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		parts []memory.Part
		want  bool
	}{
		{nil, false},
		{[]memory.Part{memory.Livez}, false},
		{[]memory.Part{memory.Made}, false},
		{[]memory.Part{memory.Livez, memory.Charge}, true},
	} {
		m := &memory.Measurement{}
		for _, of := range c.parts {
			m.Breaches = append(m.Breaches, memory.Breach{Of: of})
		}
		if noticed(m) != c.want {
			t.Errorf("%q: %v", c.parts, !c.want)
		}
	}
}
