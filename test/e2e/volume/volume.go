//go:build linux

// Package volume stands in for what a platform mounts into a container: a volume in
// memory, with a size, for the workspaces of programs.
package volume

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// Wrap is what stands before a program's command line for it to find an empty volume of
// so many bytes at dir, a folder that is there. Nobody else sees the volume, which ends
// with the program. It becomes the program, and does not fork.
func Wrap(dir string, size int64) []string {
	mount := fmt.Sprintf("mount -t tmpfs -o size=%d,mode=1777,nosuid,nodev workspace '%s' && exec ", size, dir)
	if os.Geteuid() == 0 {
		return []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", mount + `"$0" "$@"`}
	}
	// Only root may mount: of a user namespace, too. In one more of them the program is
	// who it was before, and has no capability.
	back := fmt.Sprintf(`unshare --map-user=%d --map-group=%d "$0" "$@"`, os.Geteuid(), os.Getegid())
	return []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount + back}
}

// Able says what this machine lacks for programs with workspaces: nil, if nothing.
func Able() error {
	const want = 3 // since Linux 6.2: truncate(2) is held as well
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || abi < want {
		return fmt.Errorf("the kernel's Landlock has ABI %d (%w), want %d", int(abi), errno, want)
	}
	dir, err := os.MkdirTemp("", "codecell-volume-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return run(append(Wrap(dir, 1<<20), "true"))
}

// Packages says what the profile data-science lacks here: nil, if nothing.
func Packages() error {
	return run([]string{"/usr/bin/python3", "-I", "-c", "import numpy, pandas, scipy, matplotlib"})
}

func run(argv []string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w: %s", argv[0], err, lines[len(lines)-1])
	}
	return nil
}
