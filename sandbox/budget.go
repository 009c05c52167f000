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
	Beside      MiB    // what of it is not the run's memory, whatever that is: see RunWeight
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

// RunWeight is what a run with this limit of memory weighs in the budget: its memory, what
// the kernel keeps for it, what its captures hold in the server, and its workspace.
func (b Budget) RunWeight(memory MiB) MiB { return memory + b.Beside }

// besideMemory is what a run of the profile weighs beside its memory, where its
// workspace is in memory of its own (and not in an operator's volume, see Budget.Scratch).
func (p *Profile) besideMemory(volume bool) MiB {
	beside := runKernelCost
	if p.Limits.MemoryKind == MemoryData {
		beside += stackCost
	}
	if p.Workspace > 0 {
		beside += filesKernelCost
	}
	if p.Workspace > 0 && !volume {
		beside += p.Workspace + p.Workspace/nodeShare + up(int64(workspaceInodes(p.Workspace))*inodeCost)
	}
	return beside + up(int64(p.Threads)*threadCost)
}

const (
	stackCost MiB = 8 // of the main thread, which RLIMIT_DATA does not count (RLIMIT_STACK's default)
	// filesKernelCost is what the descriptors of a run with files hold at most: 29 pairs of
	// sockets with both buffers full, of 208 KiB each (net.core.wmem_default); and what maps of
	// files hold that was opened for them and closed again, half of the 65,530 that there may be.
	filesKernelCost MiB = 24
	// nodeShare is what part of a workspace the kernel needs to find its pages in sparse
	// files: up to two nodes of 576 bytes for one, measured with 16,000 pages far apart.
	nodeShare  = 3
	inodeCost  = 2 << 10  // bytes of a file or folder, beside its content: inode, dentry, a long name
	threadCost = 64 << 10 // bytes of a thread, beside its stack: the kernel's stack for it, its task, page tables
)

// workspaceInodes is how many files and folders a workspace of this size may have.
func workspaceInodes(size MiB) int { return int(max(1024, size.Bytes()/(16<<10))) }

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
