package sandbox

import (
	"fmt"
	"sort"
	"strings"
)

// marginPerCore is what one core's runs may charge between the memory line and the
// limit: at the 1.5 GiB a second that one was measured to fault in, four looks'
// worth (see watchPeriod).
const marginPerCore MiB = 32

// memoryMargin is how far below a limit the memory line is drawn for that many runs
// at once on that many cores. It is the last part of every reserve: what the budget
// gives to runs never reaches the line.
func memoryMargin(slots, cores int) MiB { return marginPerCore * MiB(max(2, min(slots, cores))) }

// zygotesAtOnce: a fresh zygote is warm before the one that it replaces has drained.
const zygotesAtOnce = 2

// parkedCost is what a run charges that is forked and jailed and waits for its
// program: the pages that it does not share with its zygote any more (1.1 MiB
// measured), its page tables, and what the kernel keeps for it.
const parkedCost MiB = 2

// budgetInputs is what the budget of a container is settled from. Amounts are
// in bytes.
type budgetInputs struct {
	memory         containerMemory // as found
	limit, reserve int64           // Config.MemoryLimit and MemoryReserve; 0: as measured
	server, zygote int64           // RSS and page tables of each, once warm; with the zygote's library
	doors          Doors
	scratch        int64 // full size of every tmpfs that a run may write to
	ceiling        MiB   // memory of the largest run
	beside         MiB   // what a run weighs beside its memory
	slots          int   // wanted, or Auto; 0 means 1
	cores          int   // that can be busy at once
}

// settle does the arithmetic of a container's memory. It errs on the safe side
// by less than a MiB per part: what is given is rounded down, what is taken up.
//
// Errors: *BudgetError if the slots wanted don't fit, or, of any other number,
// not even one; an error that names the variable if an override contradicts
// what was measured.
func settle(in budgetInputs) (Budget, error) {
	if in.limit > in.memory.limit {
		// The kernel kills at its own limit, whatever we are told.
		return Budget{}, fmt.Errorf("sandbox: SANDBOX_MEMORY_LIMIT is %d MiB, but the container has %d MiB (%v): it can only be lowered",
			down(in.limit), down(in.memory.limit), in.memory)
	}
	asked := in.slots
	if asked == 0 {
		asked = 1
	}
	if asked < 0 && asked != Auto {
		return Budget{}, fmt.Errorf("sandbox: %d slots: want at least 1, or Auto", asked)
	}

	// A slot costs its run and what the doors hold for it, so the reserve
	// depends on the answer; the slots that don't fit are still those above
	// some number, which is what sort.Search needs.
	one := in.budget(1)
	fits := sort.Search(max(0, int(one.Limit/one.Weight)), func(n int) bool {
		return !in.budget(n + 1).holds(n + 1)
	})
	slots := asked
	if asked == Auto {
		slots = max(fits, 1)
	}
	b := in.budget(slots)
	b.Fits = fits
	if least := up(in.server) + up(in.zygote) + parkedCost + b.margin; in.reserve > 0 && down(in.reserve) < least {
		return Budget{}, fmt.Errorf("sandbox: SANDBOX_MEMORY_RESERVE is %d MiB, but it must be at least %d MiB: server %d, zygote %d, parked run %d, memory line %d",
			down(in.reserve), least, up(in.server), up(in.zygote), parkedCost, b.margin)
	}
	if slots > fits {
		return Budget{}, &BudgetError{Budget: b, Auto: asked == Auto}
	}
	return b, nil
}

// budget is the arithmetic for that many slots, fit or not; Fits is left at 0.
func (in budgetInputs) budget(slots int) Budget {
	b := Budget{
		Limit:       down(in.memory.limit),
		LimitSource: in.memory.String(),
		Scratch:     up(in.scratch),
		Weight:      in.ceiling + in.beside,
		Beside:      in.beside,
		Slots:       slots,
		margin:      memoryMargin(slots, in.cores),
	}
	if in.limit > 0 {
		b.Limit, b.LimitSource = down(in.limit), "SANDBOX_MEMORY_LIMIT"
	}
	zygotes, parked := up(zygotesAtOnce*in.zygote), zygotesAtOnce*parkedCost
	if in.reserve > 0 {
		b.Parts = []BudgetPart{{"SANDBOX_MEMORY_RESERVE", down(in.reserve)}}
		b.server = max(up(in.server), down(in.reserve)-zygotes-parked-b.margin)
	} else {
		server, doors := up(in.server), up(in.doors.Fixed)
		perSlot := up(int64(slots) * in.doors.PerSlot)
		b.Parts = []BudgetPart{
			{"server", server},
			{"zygotes", zygotes},
			{"parked runs", parked},
			{"doors", doors},
			{"doors per slot", perSlot},
			{"memory line", b.margin},
		}
		b.server = server + doors + perSlot
		if telemetry := up(in.doors.Telemetry); telemetry > 0 {
			b.Parts = append(b.Parts, BudgetPart{"telemetry", telemetry})
			b.server += telemetry
		}
	}
	for _, p := range b.Parts {
		b.Reserve += p.MiB
	}
	return b
}

// holds reports whether that many of the heaviest runs fit at once.
func (b Budget) holds(runs int) bool { return b.ForRuns() >= MiB(runs)*b.Weight }

// up and down round bytes to MiB.
func up(bytes int64) MiB   { return MiB((bytes + 1<<20 - 1) >> 20) }
func down(bytes int64) MiB { return MiB(bytes >> 20) }

// BudgetError says that the slots wanted don't fit the container's memory.
type BudgetError struct {
	Budget Budget // the arithmetic for the slots wanted, and how many would fit
	Auto   bool   // as many as fit were wanted, but not even one does
}

// NeedLimit is the least memory limit in which the slots wanted fit.
func (e *BudgetError) NeedLimit() MiB {
	return e.Budget.Reserve + e.Budget.Scratch + MiB(e.Budget.Slots)*e.Budget.Weight
}

// Error shows the arithmetic and the ways out, in the operator's words.
func (e *BudgetError) Error() string {
	b := e.Budget
	var s strings.Builder
	if e.Auto {
		s.WriteString("SANDBOX_MAX_CONCURRENCY=auto")
	} else {
		fmt.Fprintf(&s, "SANDBOX_MAX_CONCURRENCY=%d", b.Slots)
	}
	fmt.Fprintf(&s, " does not fit: %d MiB limit (%s) - %d MiB reserve (", b.Limit, b.LimitSource, b.Reserve)
	for i, p := range b.Parts {
		if i > 0 {
			s.WriteString(", ")
		}
		fmt.Fprintf(&s, "%s %d", p.Name, p.MiB)
	}
	s.WriteString(")")
	if b.Scratch > 0 {
		fmt.Fprintf(&s, " - %d MiB scratch", b.Scratch)
	}
	fmt.Fprintf(&s, " = %d MiB; one run weighs %d MiB, so ", b.ForRuns(), b.Weight)
	if b.Fits == 0 {
		fmt.Fprintf(&s, "not even one fits. Raise the memory limit to at least %d MiB, or take a profile whose runs weigh less.", e.NeedLimit())
	} else {
		fmt.Fprintf(&s, "%d fits. Lower it to %d or raise the memory limit to at least %d MiB.", b.Fits, b.Fits, e.NeedLimit())
	}
	return s.String()
}
