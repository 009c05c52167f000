//go:build linux && amd64

package sandbox

import (
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"testing"

	"codecell/sandbox/attack"
)

// attackedProfiles are those whose runs have files and threads: where each has a mount of its
// own, and in a container, with an operator's volume.
var attackedProfiles = []struct{ name, profile, hidden string }{
	{"standard", "standard", ""},
	{"data-science", "data-science", ""},
	{"standard on a volume", "standard", "userns,sysadmin"},
}

func init() {
	for _, a := range attackedProfiles {
		task := func(t *testing.T) {
			t.Setenv(secretName, secretText)
			p, err := LoadProfile(a.profile)
			check(t, err)
			cfg := Config{Profile: p, Slots: 1, Log: slog.New(slog.DiscardHandler)}
			if a.hidden != "" {
				cfg.Workspace = os.Getenv(volumeName)
			}
			s, err := New(t.Context(), cfg)
			check(t, err)
			t.Cleanup(func() { check(t, s.Close()) })
			serveAttacks(t, s, s.Layers())
		}
		if a.hidden != "" {
			childTasks["profile "+a.name] = func(t *testing.T) { hide(t, a.hidden, "hidden profile "+a.name) }
			childTasks["hidden profile "+a.name] = task
		} else {
			childTasks["profile "+a.name] = task
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
	t.Setenv(volumeName, requireVolume(t, "size=16m,mode=1777"))
	for _, a := range attackedProfiles {
		jails = append(jails, startJail(t, a.name, self, "profile "+a.name))
		table[0] = append(table[0], a.name)
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
	profile, _, _ := strings.Cut(j.name, " ") // see attackedProfiles
	p, err := LoadProfile(profile)
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
