// Package sandbox is the server's side of a run: it keeps a warm Python
// interpreter, forks one process from it for each program, holds that process in
// two jails, and says what became of it. It knows nothing of HTTP.
//
//	codecell (Go)              the server: deadlines, capture, the memory line
//	   │  socket pair; namespaces come from the flags of this clone
//	   ▼
//	launch (Go, same binary)   internal/launch: enters the outer jail on one locked
//	   │                       thread, then becomes python3
//	   ▼  exec
//	zygote (Python)            zygote/zygote.py: imports the profile's modules once,
//	   │                       is sealed, forks on request. It runs no program and
//	   │                       never reads one: its heap is inherited by all runs
//	   ▼  fork
//	run (Python)               zygote/run.py: enters the inner jail (jail.py), reads the
//	                           program, checks the policy, runs it, exits
//
// One run is parked ahead: forked, jailed and rehearsed (run.py), it waits for the next
// program, which so finds all that done (flight_linux.go). What it costs to fork a zygote
// and to take the fork down is how its pages lie: zygote/pages.py sees to that.
//
// Runs of a profile with a workspace have files: workspace_linux.go makes a folder for
// each, and remove_linux.go removes it, in a mount of launch's or in an operator's volume (volume_linux.go);
// zygote/workplace.py unpacks what the run was sent, and semlock.py has multiprocessing's locks
// work between its threads; outputs_linux.go reads what it left.
//
// Where to read: New and Run (sandbox_linux.go), one run from hand-over to result
// (run_linux.go, flight_linux.go), the messages, drawn (protocol.go), a zygote's life
// (zygote_linux.go, keeper_linux.go), the budget (budget.go, settle.go) and the
// memory line (watch_linux.go); denied calls and their names (denied_linux.go,
// listener_linux.go); and what an operator sees of it all: when a run's
// steps were done (timeline.go), what is counted (watching.go).
//
// # Layers
//
// What holds a run, outermost first. [Sandbox.Layers] says which are in force.
//
//	layer             made by         what it denies
//	namespace_*       server's clone  other processes, network, IPC, mounts: as if not there
//	uid               launch          being root, or the server (where the server is root)
//	capabilities      launch          every privilege; securebits keep it so
//	no_new_privs      launch          any privilege through exec
//	landlock          launch, run     files: all but the interpreter's own; for a run, all, or all
//	                                  but these to read and its own folder
//	landlock_scope    launch, run     signals and abstract sockets out of the domain
//	seccomp           launch          outer: no network, exec twice, ptrace, mount, keys, bpf, io_uring;
//	                                  of runs with files it asks the server, which says no and takes the name
//	                  zygote          seal: no path, no exec, no new code, no huge page, from warm on
//	                  run             inner: an allow-list of numbers and arguments
//	rlimits           launch, run     address space, CPU, processes, descriptors, files, signals, locked memory
//	non_dumpable      server, zygote  being looked into by processes of the same uid
//	memory_line       server          what no limit counts: the newest run is killed before the kernel kills
//
// The outer jail is there before any Python runs, and holds if the Python side
// has a bug; the inner jail adds what only a run can give up.
//
// # What fails closed
//
// Everything. A layer that the machine does not have is found out at start-up and
// reported absent; one that the profile requires and the machine lacks stops the
// start ([RequireError]); so does one that is there but fails ([SetupError]), and
// a zygote that, looked at from outside, is not as jailed as it says. After
// start-up nothing is optional: a run whose jail can't be completed ends before
// it has read its program.
//
// # What is not protected
//
//   - The kernel is shared. A bug in the few calls that a run may make is a way
//     out; only a virtual machine around the container bounds that.
//   - Runs of one zygote share its hash seed and address layout: a program learns
//     the addresses of the next. Zygotes are replaced after some runs and minutes.
//   - Time and caches: a program can measure what others do to the processor.
//   - CPU: a run may use a core for its whole timeout, at a lower priority than
//     the server's.
//   - Without a uid and a PID namespace of their own, and without Landlock's
//     scopes, it is the inner filter alone that keeps a run from signalling
//     processes of its uid.
//   - Where programs have files and the container has no mount namespace, a path says
//     whether it is there, and stat what it is: Landlock keeps it from being opened only.
//   - Runs of one zygote share their number of threads (RLIMIT_NPROC), and see by process
//     and inode numbers that others were there.
//   - On cgroup v1 nobody says how much of the kernel's memory could be taken back. What
//     runs leave of it is noted when none is in flight (cgroupCharge.rest): with several
//     slots that never rest at once, names by the million cost later runs their life, and
//     whoever is there while the kernel takes them back waits, health checks too.
//   - The policy (imports, names, attributes) is advice to callers. It is no boundary.
package sandbox
