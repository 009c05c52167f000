// Package launch is the child's side of starting a zygote: it puts one process,
// which is about to become python3, into the outer jail.
//
// The server re-executes its own binary under the name [Arg0]. This package's init
// function then runs, on one locked thread, the list of steps in launch_linux.go, each at its place
// for a reason that stands beside it, and ends in execve. Everything here runs
// before any Python, with no threads of ours, no network and no configuration
// but the [Spec] that arrives on descriptor 3.
//
// What is decided here, and for whom:
//
//	calls.go            the three lists of system calls, as portable data
//	calls_GOARCH.go     the names that only one architecture has
//	filter_linux.go     the three programs (made in the server and in tests too)
//	assemble_linux.go   a list -> a seccomp program
//	listen_linux.go     how the server is asked about what outer refuses, and answers
//	landlock_linux.go   the ruleset: the interpreter's own files, read-only
//	creds_linux.go      uid, groups, capabilities, securebits
//	launch_linux.go     the order of it all
//
// A step that fails ends the launch with the step's name and the reason, sent on
// descriptor 3. There is no step that may fail quietly: what a machine does not
// have, the server has found out before and left out of the Spec.
package launch

// Arg0 is the name under which the server re-executes itself to launch a zygote.
const Arg0 = "codecell-launch"

// SocketFD is the descriptor on which a launch finds its Spec, and the zygote its work.
const SocketFD = 3

// ProcSelfFD is where the zygote finds /proc/self. The server passes any
// descriptor there, so that Go's runtime does not take the number.
const ProcSelfFD = 4

// LibraryFD is where the zygote finds the memory file for its library.
const LibraryFD = 5
