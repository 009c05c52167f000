//go:build linux

package main

import (
	"testing"

	"codecell/test/memory"
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
		files, err := m.apply()
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

func TestApplyRefusesWhatIsNotThere(t *testing.T) {
	t.Chdir("../..")
	for name, e := range map[string]edit{
		"nowhere": {"Dockerfile", "no such text", ""},
		"twice":   {"Dockerfile", "\n", ""},
		"no file": {"no such file", "x", ""},
	} {
		if files, err := (mutation{edits: []edit{e}}).apply(); err == nil {
			t.Errorf("%s: %v", name, files)
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
