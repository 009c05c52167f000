package sandbox

import (
	"errors"
	"strings"
	"testing"
)

// measured is what profile minimal shows on amd64: the inputs of a container
// with that limit.
func measured(limit MiB) budgetInputs {
	return budgetInputs{
		memory:  containerMemory{limit.Bytes(), &memoryCgroup{1, "/sys/fs/cgroup/memory/x", limit.Bytes()}},
		server:  20 << 20,
		zygote:  13 << 20,
		doors:   Doors{Fixed: 35 << 20, PerSlot: 8 << 20},
		ceiling: 512, beside: runKernelCost,
	}
}

func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name          string
		limit         MiB
		change        func(*budgetInputs)
		slots, fits   int
		reserve, runs MiB // the reserve, and what is left for runs
	}{
		{"the default slot", 704, nil, 1, 1, 157, 547},
		{"auto, 704", 704, func(in *budgetInputs) { in.slots = Auto }, 1, 1, 157, 547},
		{"auto, 2Gi", 2048, func(in *budgetInputs) { in.slots = Auto }, 3, 3, 173, 1875},
		{"auto on eight cores", 8192, func(in *budgetInputs) { in.slots, in.cores = Auto, 8 }, 15, 15, 461, 7731},
		{"one run on eight cores", 704, func(in *budgetInputs) { in.cores = 8 }, 1, 1, 157, 547},
		{"with exporters", 704, func(in *budgetInputs) { in.doors.Telemetry = 12<<20 - 1 }, 1, 1, 169, 535},
		{"one of three", 2048, func(in *budgetInputs) { in.slots = 1 }, 1, 3, 157, 1891},
		{"exactly", 157 + 515, nil, 1, 1, 157, 515},
		{"smaller runs", 704, func(in *budgetInputs) { in.slots, in.ceiling = Auto, 64 }, 7, 7, 205, 499},
		{
			"scratch is taken whole", 2048,
			func(in *budgetInputs) { in.slots, in.scratch = Auto, 512<<20+1 }, 2, 2, 165, 1370,
		},
		{"a lower limit", 8192, func(in *budgetInputs) { in.limit = 704 << 20 }, 1, 1, 157, 547},
		{"a reserve of the operator's", 704, func(in *budgetInputs) { in.reserve = 189 << 20 }, 1, 1, 189, 515},
		{
			"rounding: the limit down, the reserve up", 704,
			func(in *budgetInputs) {
				in.memory.limit--
				in.server++
				in.zygote++
				in.doors.Fixed++
				in.doors.PerSlot++
			},
			1, 1, 161, 542,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := measured(tt.limit)
			if tt.change != nil {
				tt.change(&in)
			}
			b, err := settle(in)
			if err != nil {
				t.Fatal(err)
			}
			if b.Slots != tt.slots || b.Fits != tt.fits || b.Reserve != tt.reserve || b.ForRuns() != tt.runs {
				t.Errorf("slots %d of %d, reserve %d, for runs %d; want %d of %d, %d, %d",
					b.Slots, b.Fits, b.Reserve, b.ForRuns(), tt.slots, tt.fits, tt.reserve, tt.runs)
			}
			if !b.holds(b.Slots) {
				t.Errorf("%d runs of %d MiB don't fit into %d MiB", b.Slots, b.Weight, b.ForRuns())
			}
		})
	}
}

// What auto finds is the most that fits: one more does not, at any size.
func TestSettleAutoIsMaximal(t *testing.T) {
	for limit := MiB(600); limit < 10_000; limit += 37 {
		in := measured(limit)
		in.slots = Auto
		b, err := settle(in)
		if err != nil {
			if !in.budget(1).holds(1) {
				continue
			}
			t.Fatalf("%d MiB: %v", limit, err)
		}
		if !in.budget(b.Slots).holds(b.Slots) || in.budget(b.Slots+1).holds(b.Slots+1) {
			t.Fatalf("%d MiB: auto chose %d slots", limit, b.Slots)
		}
	}
}

func TestSettleRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limit  MiB
		change func(*budgetInputs)
		want   string
	}{
		{
			"too many", 704,
			func(in *budgetInputs) { in.slots = 4 },
			"SANDBOX_MAX_CONCURRENCY=4 does not fit: 704 MiB limit (cgroup v1 /sys/fs/cgroup/memory/x)" +
				" - 181 MiB reserve (server 20, zygotes 26, parked runs 4, doors 35, doors per slot 32, memory line 64) = 523 MiB;" +
				" one run weighs 515 MiB, so 1 fits. Lower it to 1 or raise the memory limit to at least 2241 MiB.",
		},
		{
			"not one", 512, nil,
			"SANDBOX_MAX_CONCURRENCY=1 does not fit: 512 MiB limit (cgroup v1 /sys/fs/cgroup/memory/x)" +
				" - 157 MiB reserve (server 20, zygotes 26, parked runs 4, doors 35, doors per slot 8, memory line 64) = 355 MiB;" +
				" one run weighs 515 MiB, so not even one fits. Raise the memory limit to at least 672 MiB," +
				" or take a profile whose runs weigh less.",
		},
		{
			"auto, and not one", 128,
			func(in *budgetInputs) { in.slots, in.scratch = Auto, 16<<20 },
			"SANDBOX_MAX_CONCURRENCY=auto does not fit: 128 MiB limit (cgroup v1 /sys/fs/cgroup/memory/x)" +
				" - 157 MiB reserve (server 20, zygotes 26, parked runs 4, doors 35, doors per slot 8, memory line 64) - 16 MiB scratch" +
				" = -45 MiB; one run weighs 515 MiB, so not even one fits. Raise the memory limit to at least 688 MiB," +
				" or take a profile whose runs weigh less.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := measured(tt.limit)
			if tt.change != nil {
				tt.change(&in)
			}
			_, err := settle(in)
			var refused *BudgetError
			if !errors.As(err, &refused) || err.Error() != tt.want {
				t.Fatalf("error %v\nwant  %s", err, tt.want)
			}
			// The way out is one: with that limit it fits, with a MiB less it does not.
			in.memory.limit = refused.NeedLimit().Bytes()
			if _, err := settle(in); err != nil {
				t.Errorf("with the limit that the error asks for: %v", err)
			}
			in.memory.limit -= 1 << 20
			if _, err := settle(in); err == nil {
				t.Error("a MiB less than the error asks for was enough")
			}
		})
	}
}

func TestSettleRefusesContradictions(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*budgetInputs)
		want   string
	}{
		"a limit above the kernel's": {
			func(in *budgetInputs) { in.limit = 705 << 20 },
			"SANDBOX_MEMORY_LIMIT is 705 MiB, but the container has 704 MiB",
		},
		"a reserve below what is in use": {
			func(in *budgetInputs) { in.reserve = 97<<20 - 1 },
			"SANDBOX_MEMORY_RESERVE is 96 MiB, but it must be at least 99 MiB",
		},
		"a negative number of slots": {func(in *budgetInputs) { in.slots = -2 }, "-2 slots"},
	} {
		t.Run(name, func(t *testing.T) {
			in := measured(704)
			tt.change(&in)
			if _, err := settle(in); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want %q in it", err, tt.want)
			}
		})
	}
}

func TestGoMemLimit(t *testing.T) {
	in := measured(2048)
	in.slots = 3
	b, err := settle(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.goMemLimit(), int64(20+35+3*8)<<20; got != want {
		t.Errorf("measured reserve: %d bytes; want %d", got, want)
	}
	in.reserve = 200 << 20
	if b, err = settle(in); err != nil {
		t.Fatal(err)
	}
	if got, want := b.goMemLimit(), int64(200-2*13-4-64)<<20; got != want {
		t.Errorf("a reserve of the operator's: %d bytes; want %d", got, want)
	}
	// Two zygotes are allowed for, one is measured: a reserve that is tight
	// for two must not squeeze the server below what it holds already.
	in.reserve = 99 << 20
	if b, err = settle(in); err != nil {
		t.Fatal(err)
	}
	if got, want := b.goMemLimit(), int64(20)<<20; got != want {
		t.Errorf("a tight reserve: %d bytes; want %d", got, want)
	}
}
