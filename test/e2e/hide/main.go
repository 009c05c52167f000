//go:build linux && (amd64 || arm64)

// Command hide runs a program on a machine that has less than this one: it
// installs a seccomp filter that makes chosen kernel features answer as if they
// were not there, then becomes the program.
//
//	hide userns,landlock -- codecell serve
//
// The features:
//
//	userns    clone and unshare with CLONE_NEWUSER are EPERM, and clone3 is
//	          ENOSYS: as under containerd's default profile
//	landlock  its three calls are ENOSYS: as under gVisor, or before Linux 5.13
//	create    nothing can be created in any file system: EROFS, as with a
//	          read-only root and no volume
//
// It is a test's tool and no isolation: a filter that allows by default.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

func main() {
	fmt.Fprintln(os.Stderr, "hide:", run(os.Args[1:]))
	os.Exit(125)
}

// run does not return unless it fails, with the reason.
func run(args []string) error {
	if len(args) < 3 || args[1] != "--" {
		return errors.New("usage: hide FEATURE[,FEATURE...] -- PROGRAM [ARG...]")
	}
	program, err := exec.LookPath(args[2])
	if err != nil {
		return err
	}
	filter, err := assemble(strings.Split(args[0], ","))
	if err != nil {
		return err
	}
	// The filter is the thread's, and execve(2) keeps the thread that calls it.
	runtime.LockOSThread()
	if err := install(filter); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", program, unix.Exec(program, args[2:], os.Environ()))
}
