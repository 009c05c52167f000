//go:build linux && amd64

package sandbox

import (
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"testing"

	"codecell/sandbox/attack"
)

// attackedProfiles are those whose runs have files and threads.
var attackedProfiles = []string{"standard", "data-science"}

func init() {
	for _, name := range attackedProfiles {
		childTasks["profile "+name] = func(t *testing.T) {
			t.Setenv(secretName, secretText)
			p, err := LoadProfile(name)
			check(t, err)
			s, err := New(t.Context(), Config{Profile: p, Slots: 1, Log: slog.New(slog.DiscardHandler)})
			check(t, err)
			t.Cleanup(func() { check(t, s.Close()) })
			serveAttacks(t, s, s.Layers())
		}
	}
}

// The same attacks against the profiles that allow more. What an attack tries fails as in
// "minimal", or it declares what these profiles allow of it; and in any case nothing can be
// seen of it from outside.
func TestAttacksOnProfiles(t *testing.T) {
	requireRoot(t) // as TestAttacks
	requireWorkspaces(t)
	requirePackages(t)
	t.Setenv(secretName, secretText)
	python := jailPython(t)
	hits := make(chan os.Signal, 64)
	signal.Notify(hits, attackSignal)
	defer signal.Stop(hits)
	self := publicSelf(t)
	var jails []jail
	table := [][]string{{"attack"}}
	for _, name := range attackedProfiles {
		jails = append(jails, startJail(t, name, self, "profile "+name))
		table[0] = append(table[0], name)
	}
	w := &watch{t: t, whole: t, victim: startVictim(t, python.Path), prize: newPrize(t), doors: openDoors(t), interpreter: python.Path}
	w.look(jails)
	for _, a := range loadAttacks(t) {
		row := []string{a.name}
		t.Run(a.name, func(t *testing.T) {
			w.t, w.zygotes, w.absent = t, map[int]string{}, false
			for _, j := range jails {
				row = append(row, w.makeOnProfile(a, j))
			}
			wantNobodyLeft(t, w.zygotes)
		})
		table = append(table, row)
	}
	t.Log("\n" + align(table))
}

// makeOnProfile makes one attack where there are files and threads, and returns its end.
func (w *watch) makeOnProfile(a declared, j jail) string {
	w.t.Helper()
	p, err := LoadProfile(j.name)
	check(w.t, err)
	values := w.values(j)
	values["MEMORY"] = strconv.Itoa(int(p.Limits.Memory))
	code, err := attack.Fill(a.code, "amd64", values)
	check(w.t, err)
	end := j.attack(w.t, code)
	got, said := attack.Read(end.Stdout, end.ExitCode)
	seen := w.seen(j)
	if end.Signals > 0 {
		seen = append(seen, "signals")
	}
	held := got == attack.Lost || got == attack.Killed || got == attack.Absent
	if held != (a.filesAllow == "") || got == attack.Unknown || len(seen) > 0 {
		w.t.Errorf("%s: %s %s; seen from outside: %q; declared to be allowed: %q\n%s%s exit %d %s",
			j.name, got, said, seen, a.filesAllow, end.Stdout, end.Stderr, end.ExitCode, end.Lost)
	}
	if end.Zygote != 0 {
		w.zygotes[end.Zygote] = j.name
	}
	return string(got)
}
