//go:build linux && (amd64 || arm64)

// Command hide runs a program on a machine that has less than this one: it
// makes chosen features of the kernel answer as if they were not there, then
// becomes the program.
//
//	hide userns,landlock -- codecell serve
//
// The features:
//
//	userns    clone and unshare with CLONE_NEWUSER are EPERM, and clone3 is
//	          ENOSYS: as under containerd's default profile
//	landlock  its three calls are ENOSYS: as under gVisor, or before Linux 5.13
//	writing   every file system but /proc and /dev is read-only, as in a
//	          container with a read-only root and no volume (only as root)
//
// It is a test's tool and no isolation: its filter allows by default.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
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
	// A filter and a mount namespace are the thread's, and execve(2) keeps the
	// thread that calls it.
	runtime.LockOSThread()
	names := strings.Split(args[0], ",")
	if i := slices.Index(names, "writing"); i >= 0 {
		if err := mountReadOnly(); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		names = slices.Delete(names, i, i+1)
	}
	filter, err := assemble(names)
	if err != nil {
		return err
	}
	if err := install(filter); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", program, unix.Exec(program, args[2:], os.Environ()))
}
