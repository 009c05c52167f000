//go:build linux

// Command inside is the first program of the guest in which `make prove-v2` makes
// attacks on the memory of a server, on a kernel with cgroup v2. It makes a system of
// the bare kernel, runs the server in a cgroup as a kubelet makes them, with
// memory.oom.group, and stays outside of it to attack and to measure. Then it runs a
// server that lacks the memory line: there the kernel must kill, and all of it.
//
// It prints its table on the console, ends it with [guest.Passed] if all was as it
// must be, and turns the machine off. What is left behind by a server that was killed
// is not reaped: the machine ends first.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"

	"golang.org/x/sys/unix"

	"codecell/test/guest"
)

// folder is where the host puts the server, the same without the memory line, and
// their profile. start binds it to /mnt.
const folder = "/prove"

func main() {
	defer off()
	if err := run(); err != nil {
		fmt.Println("guest:", err)
		return
	}
	fmt.Println(guest.Passed)
}

func run() error {
	pattern := flag.String("attack", "", "the attacks whose names match the `regexp`")
	flag.Parse()
	match, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	if err := start(folder); err != nil {
		return fmt.Errorf("system: %w", err)
	}
	return prove(context.Background(), os.Stdout, match)
}

// off ends the machine: the emulator ends where another would boot again.
func off() {
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART); err != nil {
		fmt.Println("guest: off:", err)
	}
}
