package launch

import (
	"encoding/binary"
	"math/bits"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What landlock(7) says of each version: the length of struct
// landlock_ruleset_attr, and how many rights on files, sockets and scopes it has.
func TestRulesetHandlesAllThatAVersionKnows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ abi, size, files, network, scopes int }{
		{1, 8, 13, 0, 0},
		{2, 8, 14, 0, 0}, // REFER
		{3, 8, 15, 0, 0}, // TRUNCATE
		{4, 16, 15, 2, 0},
		{5, 16, 16, 2, 0}, // IOCTL_DEV
		{6, 24, 16, 2, 2},
		{7, 24, 16, 2, 2}, // only flags of restrict_self
	} {
		attr := Ruleset(c.abi)
		if len(attr) != c.size {
			t.Errorf("ABI %d: %d bytes, want %d", c.abi, len(attr), c.size)
			continue
		}
		for field, want := range []int{c.files, c.network, c.scopes} {
			var mask uint64
			if 8*field < len(attr) {
				mask = binary.NativeEndian.Uint64(attr[8*field:])
			}
			if mask != 1<<want-1 {
				t.Errorf("ABI %d: field %d is %#x (%d rights), want %d rights", c.abi, field, mask, bits.OnesCount64(mask), want)
			}
		}
	}
}

// A kernel takes the ruleset of its own version and of every one before.
func TestKernelTakesEveryRuleset(t *testing.T) {
	t.Parallel()
	abi, err := LandlockABI()
	if err != nil || abi == 0 {
		t.Skipf("want a kernel with Landlock, have ABI %d (%v)", abi, err)
	}
	for version := 1; version <= abi; version++ {
		attr := Ruleset(version)
		fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr[0])), uintptr(len(attr)), 0)
		if errno != 0 {
			t.Errorf("ABI %d of %d: %v", version, abi, errno)
			continue
		}
		if err := unix.Close(int(fd)); err != nil {
			t.Error(err)
		}
	}
}
