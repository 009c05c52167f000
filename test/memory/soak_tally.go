//go:build linux

package memory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Tally is what was seen of a soak, by kind.
type Tally struct {
	kinds map[string]*Target // the same target for each, but for what it counts
}

func newTally(t *Target) *Tally {
	y := &Tally{kinds: make(map[string]*Target)}
	for _, k := range soakKinds {
		y.kinds[k.name] = &Target{URL: t.URL, Addr: t.Addr, Slots: t.Slots, Server: t.Server, Has: t.Has}
	}
	return y
}

// odder counts what should not be, and keeps an example for people.
func (t *Target) odder(seen Seen, example string) {
	t.Saw(seen)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.odd) < oddMost {
		t.odd = append(t.odd, example)
	}
}

// oddMost is how many examples are kept of each kind.
const oddMost = 3

// into counts everything for t as well. What a kind may not see is counted under a
// name of its own, which no attack allows.
func (y *Tally) into(t *Target) {
	if y == nil {
		return
	}
	for _, k := range soakKinds {
		seen, ends := y.kinds[k.name].counts()
		t.mu.Lock()
		if t.seen == nil {
			t.seen = make(map[Seen]int)
		}
		if t.ends == nil {
			t.ends = make(map[End]int)
		}
		for s, n := range seen {
			if !slices.Contains(k.allowed, s) {
				s = Seen(k.name) + ": " + s
			}
			t.seen[s] += n
		}
		for e, n := range ends {
			t.ends[e] += n
		}
		t.mu.Unlock()
	}
}

// Row is what was seen of one kind.
type Row struct {
	Kind string
	Seen map[Seen]int
	Ends map[End]int
}

// Rows returns what was seen, in the order of the kinds.
func (y *Tally) Rows() []Row {
	var rows []Row
	for _, k := range soakKinds {
		seen, ends := y.kinds[k.name].counts()
		rows = append(rows, Row{k.name, seen, ends})
	}
	return rows
}

// Wrong returns what the contract does not allow, in words; nothing if all is well.
func (y *Tally) Wrong() []string {
	var wrong []string
	for i, row := range y.Rows() {
		for _, s := range slices.Sorted(maps.Keys(row.Seen)) {
			if !slices.Contains(soakKinds[i].allowed, s) {
				wrong = append(wrong, fmt.Sprintf("%s: %d x %s", row.Kind, row.Seen[s], s))
			}
		}
		for _, e := range slices.Sorted(maps.Keys(row.Ends)) {
			if !slices.Contains(ends, e) {
				wrong = append(wrong, fmt.Sprintf("%s: %d runs ended %q", row.Kind, row.Ends[e], e))
			}
		}
		t := y.kinds[row.Kind]
		t.mu.Lock()
		for _, example := range t.odd {
			wrong = append(wrong, row.Kind+": "+example)
		}
		t.mu.Unlock()
	}
	return wrong
}

// String is the sum of all kinds in one line.
func (y *Tally) String() string {
	var all Target
	y.into(&all)
	requests := 0
	var parts []string
	for _, s := range slices.Sorted(maps.Keys(all.seen)) {
		requests += all.seen[s]
		parts = append(parts, fmt.Sprintf("%dx %s", all.seen[s], s))
	}
	for _, e := range slices.Sorted(maps.Keys(all.ends)) {
		parts = append(parts, fmt.Sprintf("%d %s", all.ends[e], e))
	}
	return fmt.Sprintf("%d requests: %s", requests, strings.Join(parts, ", "))
}
