//go:build linux

package contract

import (
	"fmt"
	"syscall"
)

// signals has a program for each signal there is that sends it to itself.
func signals() []badProgram {
	const last = 64
	programs := make([]badProgram, 0, last)
	for n := 1; n <= last; n++ {
		p := badProgram{
			name:    fmt.Sprintf("%d %v", n, syscall.Signal(n)),
			code:    fmt.Sprintf("import os\nprint('begun')\nos.kill(os.getpid(), %d)\nprint('survived')", n),
			timeout: 1,
			want:    endingBy(syscall.Signal(n)),
		}
		if onGVisor {
			p = p.onGVisor(syscall.Signal(n))
		}
		programs = append(programs, p)
	}
	return programs
}

// onGVisor is p, which sends itself sig, where a run's end hangs up on the others and
// continues those that have stopped: the server has all of them ignore the one, and
// a program has to insist on the other.
func (p badProgram) onGVisor(sig syscall.Signal) badProgram {
	switch sig {
	case syscall.SIGHUP:
		p.want = well("begun\nsurvived\n")
	case syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU: // no group is orphaned
		p.code = fmt.Sprintf("import os\nprint('begun')\nwhile True: os.kill(os.getpid(), %d)", sig)
		p.want = endingBy(syscall.SIGSTOP)
	}
	return p
}

func endingBy(sig syscall.Signal) ending {
	switch sig {
	case syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGURG, syscall.SIGWINCH, // signal(7): ignored
		syscall.SIGPIPE, syscall.SIGXFSZ: // ignored by Python
		return well("begun\nsurvived\n")
	case syscall.SIGKILL: // nobody but the kernel sends it, when memory is short
		return ending{status: 200, outcome: "memory_limit", exit: -9, stdout: "begun\n"}
	case syscall.SIGXCPU:
		return ending{status: 200, outcome: "timeout", exit: -24, stdout: "begun\n"}
	case syscall.SIGINT:
		return crashed(2, "begun\n", "…KeyboardInterrupt\n")
	case syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU: // a run's process group is orphaned: setpgid(2)
		return well("begun\nsurvived\n")
	case syscall.SIGSTOP:
		return ending{status: 200, outcome: "timeout", exit: -9, stdout: "begun\n", stderr: "Execution timed out after 1.0s"}
	default:
		return crashed(int(sig), "begun\n", "")
	}
}
