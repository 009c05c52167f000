// Package memory is the proof of the memory promise: a corpus of attacks on the
// memory of one container, and what measures the container while one of them is
// at work. The command test/prove builds the container, makes the attacks and
// prints what was measured.
//
// An attack is a program that a caller posts (programs/*.py) or a client that
// behaves badly (client_*.go). Each names the line of docs/memory.md's tables that
// it tries. Programs run under a profile whose policy only observes: what is
// tried here is the kernel's boundary, not the scanner's advice.
//
// # What is measured
//
// From outside of the container, by root, for each attack (Measurement):
//
//	kills    the kernel's own count, of the cgroup and of the machine
//	charge   of the container's memory cgroup at its peak, TCP buffers included
//	rise     the peak above what was charged at rest: the attack's own part
//	server   the peak of its resident memory; its process id
//	answers  every status, and how every run ended
//	permits  nothing in flight afterwards, and a good program runs
//	livez    how long a health check takes meanwhile, on a connection of its own
//
// # What is not
//
// The machine's own memory, swap (there is none), and CPU beside livez.
package memory
