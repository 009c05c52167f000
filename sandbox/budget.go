package sandbox

// Doors is what the sandbox's caller holds on behalf of its clients: the reserve
// must contain the bytes, and the process's limit the connections.
type Doors struct {
	Fixed     int64 // bytes whatever the number of slots: connections, and the base of intake
	PerSlot   int64 // bytes more for each slot: requests in the line, replies in flight
	Telemetry int64 // what waits to be exported, and its export
	Clients   int   // connections, a descriptor each
}

// Budget is the memory arithmetic of one container, settled at start-up.
type Budget struct {
	Limit       MiB    // what the container may charge
	LimitSource string // where Limit was read, for people
	Reserve     MiB    // kept for the server, the zygotes, the doors and the memory line
	Scratch     MiB    // full size of every tmpfs that a run may write to
	Weight      MiB    // of one run at the profile's ceiling
	Slots       int    // runs at once
	Fits        int    // how many slots the container could have at most
	// Parts is the arithmetic of Reserve, for people and for doctor.
	Parts []BudgetPart
	// server is the part of Reserve that the server may charge: what it held
	// when it was measured, and everything behind the doors.
	server MiB
	margin MiB // the part of Reserve between the memory line and the limit
}

// BudgetPart is one addend of the reserve.
type BudgetPart struct {
	Name string `json:"name"`
	MiB  MiB    `json:"mib"`
}

// RunWeight is what a run with this RLIMIT_AS weighs in the budget: its address
// space, its fixed kernel cost, and what its captures hold in the server.
func RunWeight(memory MiB) MiB { return memory + runKernelCost }

// runKernelCost rounds up what the kernel charges for one run beside its address
// space (task, page tables, pipes: 2 MiB measured, with two; a third holds 64 KiB) and two captures of CaptureLimit.
const runKernelCost MiB = 3

// ForRuns is what the budget leaves for runs: Limit - Reserve - Scratch.
func (b Budget) ForRuns() MiB { return b.Limit - b.Reserve - b.Scratch }

// goMemLimit is the soft limit, in bytes, of the server's Go runtime (see
// debug.SetMemoryLimit): the collector must give back garbage before the server
// outgrows its part of the reserve. It needs no allowance of its own for
// garbage: the part is sized for every door open at once, and counts kernel
// buffers and the program's text, which the runtime does not.
func (b Budget) goMemLimit() int64 { return b.server.Bytes() }
