// Package guest boots a Debian kernel with a root file system of Debian's in a
// virtual machine, for what this machine's own kernel can't show: cgroup v2 with the
// memory controller, another Landlock. Nothing is installed on this machine.
//
// The machine is emulated in software (QEMU's TCG), because hardware virtualisation
// is often missing where tests run. Its clock counts instructions: it stands still
// while the emulator waits for its turn, so that a busy host makes the guest late to
// nobody but us, and a time-out in the guest means the same everywhere. How long
// something takes there says nothing about real machines.
//
// The guest has one disk, read-only, no network, and a first program from us, which
// tells its outcome on the console (Passed).
package guest
