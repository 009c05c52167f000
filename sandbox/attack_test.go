//go:build linux && amd64

package sandbox

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"codecell/sandbox/attack"

	"golang.org/x/sys/unix"
)

// Each attack is a Python program that makes raw system calls (so the numbers
// are amd64's) and says how it ended. It must win outside any jail, or it proves
// nothing; lose in the cell; and in each jail alone lose or win as it declares
// itself, so that what a jail is believed to hold is what it holds. What it was
// after is looked at from outside as well.
func TestAttacks(t *testing.T) {
	requireRoot(t) // the positive controls read, signal and change other processes
	t.Setenv(secretName, secretText)
	python := jailPython(t)
	secret, address := treasure()
	hits := make(chan os.Signal, 64)
	signal.Notify(hits, attackSignal)
	defer signal.Stop(hits)

	self := publicSelf(t)
	jails := []jail{
		outside(python.Path, address, hits),
		startJail(t, "outer", self, "outer alone"),
		startJail(t, "outer without Landlock", self, "outer alone, no Landlock"),
		startJail(t, "outer's filter", self, "outer alone, filter"),
		startJail(t, "inner", self, "inner alone"),
		startJail(t, "both", self, "both"),
	}
	for _, j := range jails {
		t.Logf("%-24s %s", j.name+":", cmp.Or(strings.Join(activeNames(j.layers), " "), "no layer"))
	}
	w := &watch{t: t, whole: t, victim: startVictim(t, python.Path), prize: newPrize(t), doors: openDoors(t), interpreter: python.Path}
	w.look(jails)

	table := [][]string{{"attack"}}
	for _, j := range jails {
		table[0] = append(table[0], j.name)
	}
	contained := map[string]int{}
	controls := 0 // that win
	all := loadAttacks(t)
	for _, a := range all {
		row := []string{a.name}
		t.Run(a.name, func(t *testing.T) {
			w.t, w.zygotes, w.absent = t, map[int]string{}, false
			for _, j := range jails {
				row = append(row, w.make(a, j))
			}
			wantNobodyLeft(t, w.zygotes)
		})
		table = append(table, row)
		if len(row) < len(table[0]) {
			continue // it has failed before its end
		}
		for i, j := range jails {
			switch end := attack.End(row[i+1]); {
			case end == attack.Lost || end == attack.Killed:
				contained[j.name]++
			case end == attack.Won && j.layers == nil:
				controls++
			}
		}
	}
	wantTreasure(t, secret)
	if onGVisor && controls < len(all)/2 {
		t.Errorf("%d of %d attacks win outside: too few for the others' defeats to prove anything", controls, len(all))
	}
	t.Log("\n" + align(table))
	t.Logf("%d attacks tried, %d win outside, %d contained: by outer alone %d (without Landlock %d, by its filter, uid and limits %d), by inner alone %d, by both %d",
		len(all), controls, contained["both"], contained["outer"], contained["outer without Landlock"], contained["outer's filter"], contained["inner"], contained["both"])
}

// onGVisor says that the kernel is gVisor, which lacks some of what is attacked: that
// an attack wins outside, or where it is not declared to be contained, is then a
// matter of count, and Linux's to prove. TestGVisor in test/e2e sets it.
var onGVisor = os.Getenv("CODECELL_TEST_KERNEL") == "gvisor"

// quiet makes a sandbox whose policy observes, and says nothing of it.
func quiet(p *Profile, cfg *Config) {
	small(p, cfg)
	cfg.Log = slog.New(slog.DiscardHandler)
}

// make makes one attack in one jail, compares its end with what the attack
// declares, and returns it.
func (w *watch) make(a declared, j jail) string {
	w.t.Helper()
	code, err := attack.Fill(a.code, runtime.GOARCH, w.values(j))
	check(w.t, err)
	end := j.attack(w.t, code)
	got, _ := attack.Read(end.Stdout, end.ExitCode)
	seen := w.seen(j)
	if end.Signals > 0 {
		seen = append(seen, "signals")
	}
	fail := func(format string, args ...any) {
		w.t.Helper()
		w.t.Errorf("%s: %s: %s\n%s%s exit %d %s", j.name, got, fmt.Sprintf(format, args...), end.Stdout, end.Stderr, end.ExitCode, end.Lost)
	}
	slices.Sort(seen)
	if j.layers == nil {
		w.absent = got == attack.Absent && a.mayBeAbsent != ""
	}
	switch {
	case onGVisor && (j.layers == nil || !a.containedBy(j)): // lost for want of the call, perhaps
	case j.layers == nil && w.absent:
	case j.layers == nil && got != attack.Won:
		fail("the positive control does not win")
	case j.layers == nil:
		if !slices.Equal(seen, a.seen) {
			fail("seen from outside is %q, want %q", seen, a.seen)
		}
	case !a.containedBy(j):
		if got != attack.Won {
			fail("it is not declared to be contained here")
		}
	case got != attack.Lost && got != attack.Killed && !(got == attack.Absent && w.absent): // there: nothing to refuse
		fail("not contained")
	case len(seen) > 0:
		fail("seen from outside: %q", seen)
	case a.reliesOn == nil && attack.RefusedOtherwise(end.Stdout):
		fail("a call failed, but was not refused")
	}
	if end.Zygote != 0 {
		w.zygotes[end.Zygote] = j.name
	}
	w.t.Logf("%-24s %.200s", j.name+":", strings.TrimSpace(end.Stdout))
	return string(got)
}

// A watch looks from outside at all that attacks are after.
type watch struct {
	t, whole    *testing.T // of an attack, and of all
	interpreter string
	victim      *victim
	prize       prize
	doors       *doors

	victimWas, prizeWas, sharedWas string
	serverWas                      map[int]string
	zygotes                        map[int]string // that have made a run for this attack, and their jails
	absent                         bool           // this machine has nothing for this attack to attack
}

// wantNobodyLeft looks for processes of zygotes beside themselves and a parked run.
// Where an attack may fork, what it has forked has ended by now, or soon will.
func wantNobodyLeft(t *testing.T, zygotes map[int]string) {
	t.Helper()
	left := map[string]int{}
	eventually(t, 10*time.Second, "nobody but a zygote and a parked run is there", func() bool {
		clear(left)
		for _, p := range processes(t) {
			if name, ours := zygotes[p.group]; ours && p.state != 'Z' {
				left[name]++
			}
		}
		return !slices.ContainsFunc(slices.Collect(maps.Values(left)), func(n int) bool { return n > 2 })
	})
	if len(left) < len(zygotes) {
		t.Errorf("zygotes are gone: %v of %v are there", left, zygotes)
	}
}

// look takes what is there now for what is to be there.
func (w *watch) look(jails []jail) {
	w.t.Helper()
	w.victimWas, w.prizeWas, w.sharedWas = w.victim.state(w.t), w.prize.state(w.t), sharedMemory(w.t)
	w.serverWas = map[int]string{}
	for _, j := range jails {
		w.serverWas[j.server] = processState(w.t, j.server)
	}
}

// seen returns what has changed since look, and puts it right again.
func (w *watch) seen(j jail) (changed []string) {
	w.t.Helper()
	if w.victim.state(w.t) != w.victimWas {
		changed = append(changed, "victim")
		w.victim.end()
		w.victim = startVictim(w.whole, w.interpreter)
		w.victimWas = w.victim.state(w.t)
	}
	if w.prize.state(w.t) != w.prizeWas {
		changed = append(changed, "files")
		w.prize.restore(w.t)
		w.prizeWas = w.prize.state(w.t)
	}
	if w.doors.came(w.t) > 0 {
		changed = append(changed, "visitors")
	}
	if now := processState(w.t, j.server); now != w.serverWas[j.server] {
		changed = append(changed, "server")
		w.serverWas[j.server] = now
	}
	if now := sharedMemory(w.t); now != w.sharedWas {
		changed = append(changed, "shared memory")
		w.sharedWas = now
	}
	return changed
}

// values are what an attack in this jail is told about its targets.
func (w *watch) values(j jail) map[string]string {
	host, err := os.Hostname()
	if err != nil {
		w.t.Fatal(err)
	}
	return map[string]string{
		"SERVER": strconv.Itoa(j.server), "SERVER_SECRET": strconv.FormatUint(j.secret, 10),
		"VICTIM": strconv.Itoa(w.victim.pid()), "VICTIM_SECRET": strconv.FormatUint(w.victim.secret, 10),
		"UID": strconv.Itoa(runUID), "SIZE": strconv.Itoa(len(secretText)), "NAME": secretName, "SIGNAL": strconv.Itoa(int(attackSignal)), "HOST": host,
		"DIR": w.prize.dir, "FILE": "/etc/passwd", "PROGRAM": w.interpreter, "MEMORY": strconv.Itoa(smallMemory),
		"TCP": strconv.Itoa(w.doors.tcp), "UDP": strconv.Itoa(w.doors.udp), "DOOR": w.doors.path, "ABSTRACT": w.doors.abstract,
	}
}

func activeNames(layers []Layer) (names []string) {
	for _, l := range layers {
		if l.State == LayerActive {
			names = append(names, l.Name)
		}
	}
	return names
}

// align sets a table in columns.
func align(table [][]string) string {
	width := make([]int, len(table[0]))
	for _, row := range table {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	var text strings.Builder
	for _, row := range table {
		for i, cell := range row {
			fmt.Fprintf(&text, "%-*s  ", width[i], cell)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// drainSignals counts what has arrived. A signal sent before the sender's exit
// was reaped is in the channel once the Go runtime's own has passed through it.
func drainSignals(hits chan os.Signal) (n int) {
	fence := make(chan os.Signal, 1)
	signal.Notify(fence, unix.SIGUSR1)
	defer signal.Stop(fence)
	_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
	<-fence
	for {
		select {
		case <-hits:
			n++
		default:
			return n
		}
	}
}
