//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"codecell/test/e2e/cell"
	"codecell/test/memory"
)

// report is everything that was measured, as it is written.
type report struct {
	Began        time.Time             `json:"began"`
	Machine      string                `json:"machine"`
	Cgroup       string                `json:"cgroup"`
	CPU          memory.CPU            `json:"cpu"`
	Stall        memory.Stall          `json:"stall_ns"`
	Queue        memory.Queue          `json:"queue_ns"`
	Claims       []namedClaim          `json:"claims"`
	Measurements []*memory.Measurement `json:"measurements"`
}

type namedClaim struct {
	Configuration string       `json:"configuration"`
	Claim         memory.Claim `json:"claim"`
}

// off is how many attacks broke the promise, and repeated how many were made a second
// time, which counts instead.
func (r *report) off() (off, repeated int) {
	for _, m := range r.Measurements {
		switch {
		case m.Repeated:
			repeated++
		case len(m.Breaches) > 0:
			off++
		}
	}
	return off, repeated
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s; %s; one CPU by %s, which stalls for %v when %d MiB are taken down; %v behind a crowd at a trivial server\n",
		r.Machine, r.Cgroup, r.CPU, time.Duration(r.Stall).Round(time.Millisecond), memory.StallMiB, time.Duration(r.Queue).Round(time.Millisecond))
	for _, c := range r.Claims {
		b := c.Claim.Budget
		fmt.Fprintf(w, "%s: %d MiB, reserve %d (server %d), %d x %d for runs; Python %s; layers %s\n",
			c.Configuration, b.LimitMiB, b.ReserveMiB, c.Claim.ServerPart()>>20, b.Slots, b.RunMiB,
			c.Claim.Interpreter.Version, active(c.Claim.Isolation))
	}
	fmt.Fprintln(w, "\nMiB unless said otherwise. rise: peak above rest. runs: what the slots weigh. server: its resident peak of its part of the reserve.")
	fmt.Fprintln(w, "livez: 99th percentile in ms, what it may be, and the maximum; ~ the first of a trivial server outside; - the time for which the container was kept from its CPU.")
	fmt.Fprintln(w, "outside: what the same program charged without the jail.")
	fmt.Fprintln(w)
	t := cell.NewTable("attack", "in", "kills", "peak/line/limit", "tcp", "rise/runs", "server", "livez", "outside", "s", "answers and ends", "verdict")
	for _, m := range r.Measurements {
		t.Row(m.Attack, m.Configuration, m.Kills,
			fmt.Sprintf("%d/%d/%d", m.Peak>>20, m.MemoryLine>>20, m.Limit>>20), m.PeakTCP>>20,
			fmt.Sprintf("%d/%d", m.Rise()>>20, m.RunsMay>>20),
			fmt.Sprintf("%d/%d", m.ServerPeak>>20, m.ServerMay>>20),
			latency(m),
			outside(m), fmt.Sprintf("%.0f", m.Seconds), m.Story(), verdict(m))
	}
	t.Print(w)
	off, repeated := r.off()
	fmt.Fprintf(w, "\n%d attacks made, %d again because health checks were late, %d off\n", len(r.Measurements)-repeated, repeated, off)
}

func active(layers []cell.Layer) string {
	var names []string
	for _, l := range layers {
		if l.State == "active" {
			names = append(names, l.Layer)
		}
	}
	return strings.Join(names, " ")
}

func latency(m *memory.Measurement) string {
	return fmt.Sprintf("%d/%d/%d ~%d -%d", m.Livez.P99.Milliseconds(), m.LivezMay.Milliseconds(), m.Livez.Max.Milliseconds(),
		m.Noise.P99.Milliseconds(), m.Throttled.Milliseconds())
}

func outside(m *memory.Measurement) string {
	switch {
	case m.OutsideKilled:
		return fmt.Sprintf("%d killed", m.Outside>>20)
	case m.Outside > 0:
		return fmt.Sprint(m.Outside >> 20)
	}
	return "-"
}

func verdict(m *memory.Measurement) string {
	switch {
	case m.Repeated:
		return "again: " + m.Off()
	case len(m.Breaches) > 0:
		return "OFF: " + m.Off()
	}
	return "held"
}

func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return err
	}
	progress("all figures are in %s", path)
	return nil
}

func listAttacks(w io.Writer, attacks []memory.Attack) error {
	t := cell.NewTable("attack", "kind", "needs", "route")
	for _, a := range attacks {
		kind := "client"
		if a.Program != "" {
			kind = "program"
		}
		t.Row(a.Name, kind, a.Needs, a.Route)
	}
	t.Print(w)
	return nil
}
