//go:build e2e && linux

package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// sparse charges far more than its address space: it maps 4 MiB, gives back all
// but the two pages on either side of a 2 MiB boundary, and touches these. Each
// pair costs two page tables as well, which no limit of a process counts. It
// works through the interpreter's own _ctypes: a run has no file to import from.
var sparse = fmt.Sprintf(`
import _ctypes

class Long(_ctypes._SimpleCData):
    _type_ = "l"

class Byte(_ctypes._SimpleCData):
    _type_ = "B"

class Syscall(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL
    _argtypes_ = (Long,) * 7
    _restype_ = Long

call = Syscall(_ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall"))
MMAP, MUNMAP, PAGE, TABLE, BLOCK = %d, %d, 1 << 12, 1 << 21, 1 << 22
pairs = 0
for _ in range(57_000):
    start = call(MMAP, 0, BLOCK, 3, 0x22, -1, 0)
    if start < 0:
        break
    seam = (start + TABLE + PAGE) & -TABLE
    call(MUNMAP, start, seam - PAGE - start, 0, 0, 0, 0)
    call(MUNMAP, seam + PAGE, start + BLOCK - seam - PAGE, 0, 0, 0, 0)
    Byte.from_address(seam - PAGE).value = 1
    Byte.from_address(seam).value = 1
    pairs += 1
print("charged", pairs)
`, unix.SYS_MMAP, unix.SYS_MUNMAP)

// TestMemoryLine: a program whose page tables alone would have the container
// killed is killed before it, and the server answers the next.
func TestMemoryLine(t *testing.T) {
	table := cell.NewTable("where", "outcome", "peak MiB", "limit MiB", "OOM kills")
	t.Run("in a run", func(t *testing.T) {
		group := newCgroup(t, containerMiB<<20)
		s := start(t, cell.Options{
			Wrap: group.enter(),
			Env:  []string{"SANDBOX_PROFILE=" + profile(t, "observe", "policy", "ast_scan", "mode")},
		})
		c := client(t, s)
		answer := execute(t, c, cell.Request{Code: sparse, Timeout: 30})
		if answer.Status != http.StatusOK || answer.Outcome != "memory_limit" {
			t.Errorf("want memory_limit, got %s", answer)
		}
		if kills := group.oomKills(t); kills != 0 {
			t.Errorf("the kernel killed %d processes", kills)
		}
		if next := execute(t, c, cell.Request{Code: "print(42)"}); !next.OK("42\n") {
			t.Errorf("the next program: %s", next)
		}
		table.Row("in a run", answer.Outcome, group.peak(t)>>20, containerMiB, group.oomKills(t))
	})
	t.Run("outside", func(t *testing.T) { // the positive control
		group := newCgroup(t, containerMiB<<20)
		args := append(group.enter(), "/usr/bin/python3", "-I", "-S", "-")
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Stdin = strings.NewReader(sparse)
		out, err := cmd.CombinedOutput()
		kills := group.oomKills(t)
		if kills == 0 {
			t.Errorf("the kernel killed nothing, so the line was not needed: %v\n%s", err, out)
		}
		table.Row("outside", fmt.Sprint(err), group.peak(t)>>20, containerMiB, kills)
	})
	table.Print(t.Output())
}
