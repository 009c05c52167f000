package sandbox

// What an operator sees of a sandbox, beside what becomes of each run.

// Names of what is worth an operator's look, in the log as "event". They don't change.
const (
	EventZygoteLost     = "zygote_lost"     // an interpreter ended unasked, its runs with it
	EventMemoryLine     = "memory_line"     // runs were killed so that the container is not
	EventPolicyObserved = "policy_observed" // a stage in observe mode would have refused a program
)

// Counts are since the start.
type Counts struct {
	ZygotesLost     int64 // and replaced; those that were replaced for their age don't count
	Forks           int64 // runs forked, ahead or on demand
	MemoryLineKills int64 // runs
}

// Memory is what the kernel says of the container's memory, in bytes.
type Memory struct {
	Server int64 // resident memory of this process
	// Cgroup: the container has a memory cgroup of its own that can be read. Usage
	// counts what can be reclaimed too; OOMKills are the kernel's.
	Cgroup                 bool
	Usage, Limit, OOMKills int64
}
