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
// The whole of this machine's files can be hidden behind another's (only as root):
//
//	root=DIR    the files are those in DIR, which itself is never written
//	share=PATH  and this one of ours, read-only, by the same name
//
// It is a test's tool and no isolation: its filter allows by default.
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
	less, err := parse(args[0])
	if err != nil {
		return err
	}
	// A filter and a mount namespace are the thread's, and execve(2) keeps the
	// thread that calls it.
	runtime.LockOSThread()
	if less.root != "" {
		if err := enterRoot(less.root, less.shares); err != nil {
			return fmt.Errorf("root: %w", err)
		}
	}
	if less.writing {
		if err := mountReadOnly(); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	if less.filter != nil {
		if err := install(less.filter); err != nil {
			return err
		}
	}
	program, err := exec.LookPath(args[2]) // on what is now the machine
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", program, unix.Exec(program, args[2:], os.Environ()))
}

// less is what to take away.
type less struct {
	root    string // the folder to be the root; empty: as it is
	shares  []string
	writing bool
	filter  []unix.SockFilter // nil: none
}

func parse(features string) (less, error) {
	var l less
	var filtered []string
	for feature := range strings.SplitSeq(features, ",") {
		name, value, given := strings.Cut(feature, "=")
		switch {
		case name == "root" && value != "" && l.root == "":
			l.root = value
		case name == "share" && strings.HasPrefix(value, "/"):
			l.shares = append(l.shares, value)
		case name == "writing" && !given:
			l.writing = true
		default:
			filtered = append(filtered, feature)
		}
	}
	if l.shares != nil && l.root == "" {
		return less{}, errors.New("share: nothing is hidden without root")
	}
	if filtered == nil {
		return l, nil
	}
	var err error
	l.filter, err = assemble(filtered)
	return l, err
}
