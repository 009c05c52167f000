//go:build linux && amd64

package sandbox

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"codecell/sandbox/attack"
)

//go:embed testdata/attacks/*.py
var attackFiles embed.FS

// A declared attack is a program that package attack has for a jail to refuse, or one
// file of testdata/attacks, and what it declares about itself. The text begins with
// comments: what it tries, and then one line for each of these fields, of which only
// the first is always there.
//
//	# contained by: outer, inner     each jail that holds it alone
//	# outer relies on: a or b        without these layers outer does not hold it
//	# not by outer: why              where outer is not in the list
//	# not by inner: why              where inner is not in the list
//	# seen from outside: victim      what the positive control changes:
//	                                 victim, server, files, visitors, signals
//	# may be absent: why             this machine may have no such thing to attack
//	# not on gVisor: why             where nothing holds it
//	# files allow: what, and why     what a profile with files and threads lets it do, which
//	                                 can't be seen from outside either
type declared struct {
	name, code  string
	outer       bool
	reliesOn    []string // one of these layers
	inner       bool
	seen        []string // sorted
	mayBeAbsent string
	notOnGVisor string
	filesAllow  string
}

// containedBy says what the declaration means for a jail with its layers.
func (a declared) containedBy(j jail) bool {
	switch {
	case onGVisor && a.notOnGVisor != "":
		return false
	case j.name == "both":
		return true
	case j.name == "inner":
		return a.inner
	default:
		return a.outer && (a.reliesOn == nil || slices.ContainsFunc(a.reliesOn, j.active))
	}
}

// loadAttacks returns all of them, by name.
func loadAttacks(t *testing.T) (all []declared) {
	t.Helper()
	const dir = "testdata/attacks"
	programs := attack.Refused()
	files, err := attackFiles.ReadDir(dir)
	check(t, err)
	for _, file := range files {
		text, err := attackFiles.ReadFile(path.Join(dir, file.Name()))
		check(t, err)
		programs = append(programs, attack.Program{Name: strings.TrimSuffix(file.Name(), ".py"), Text: string(text)})
	}
	slices.SortFunc(programs, func(a, b attack.Program) int { return strings.Compare(a.Name, b.Name) })
	for i, p := range programs {
		a, err := parseAttack(p.Text)
		if err != nil || i > 0 && p.Name == programs[i-1].Name {
			t.Errorf("%s: stands twice, or: %v", p.Name, err)
			continue
		}
		a.name, a.code = p.Name, attack.Prelude+p.Text
		all = append(all, a)
	}
	return all
}

// parseAttack reads the declaration. Whatever it does not expect is an error.
func parseAttack(text string) (declared, error) {
	fields, told := map[string]string{}, 0
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "# ")
		if !ok {
			break
		}
		name, value, found := strings.Cut(comment, ": ")
		known := found && slices.Contains([]string{"contained by", "outer relies on", "not by outer", "not by inner", "seen from outside", "may be absent", "not on gVisor", "files allow"}, name)
		switch {
		case known && told == 0:
			return declared{}, fmt.Errorf("%q stands before what the attack tries", comment)
		case known && fields[name] != "":
			return declared{}, fmt.Errorf("%q stands twice", name)
		case known && value == "":
			return declared{}, fmt.Errorf("%q is empty", name)
		case known:
			fields[name] = value
		case len(fields) > 0:
			return declared{}, fmt.Errorf("%q is no field", comment)
		default:
			told++
		}
	}
	a := declared{mayBeAbsent: fields["may be absent"], notOnGVisor: fields["not on gVisor"], filesAllow: fields["files allow"]}
	switch fields["contained by"] {
	case "outer, inner":
		a.outer, a.inner = true, true
	case "outer":
		a.outer = true
	case "inner":
		a.inner = true
	default:
		return a, fmt.Errorf("contained by %q", fields["contained by"])
	}
	if a.outer == (fields["not by outer"] != "") || a.inner == (fields["not by inner"] != "") {
		return a, fmt.Errorf("contained by %s: give the reason for the other jail, and no other", fields["contained by"])
	}
	if layers, ok := fields["outer relies on"]; ok {
		if !a.outer {
			return a, fmt.Errorf("outer relies on %s, but does not contain it", layers)
		}
		a.reliesOn = strings.Split(layers, " or ")
	}
	if seen, ok := fields["seen from outside"]; ok {
		a.seen = strings.Split(seen, ", ")
		slices.Sort(a.seen)
	}
	for _, kind := range a.seen {
		if !slices.Contains([]string{"victim", "server", "files", "visitors", "signals"}, kind) {
			return a, fmt.Errorf("seen from outside: %q", kind)
		}
	}
	return a, nil
}

func TestAttackDeclarations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"# Reads.\n# contained by: outer, inner\ncall(0)\n", true},
		{"# Reads: all of it.\n# More.\n# contained by: outer\n# not by inner: because\n# outer relies on: landlock or uid\n", true},
		{"# Reads.\n# contained by: inner\n# not by outer: because\n# seen from outside: victim, files\n", true},
		{"# Reads.\ncall(0)\n", false},
		{"# contained by: outer, inner\n", false},
		{"# Reads.\n# contained by: inner, outer\n", false},
		{"# Reads.\n# contained by: outer\n", false},
		{"# Reads.\n# contained by: outer, inner\n# not by inner: because\n", false},
		{"# Reads.\n# contained by: inner\n# not by outer: because\n# outer relies on: uid\n", false},
		{"# Reads.\n# contained by: outer, inner\n# seen from outside: nothing\n", false},
		{"# Reads.\n# contained by: outer, inner\n# contained by: outer, inner\n", false},
		{"# Reads.\n# contained by: outer, inner\n# seen form outside: victim\n", false},
	} {
		if _, err := parseAttack(c.text); (err == nil) != c.ok {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}
