//go:build e2e && linux

package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// sparse charges far more than its address space: it maps 4 MiB, gives back all
// but the two pages on either side of a 2 MiB boundary, and touches these. Each
// pair costs two page tables as well, which no limit of a process counts. It
// works through the interpreter's own _ctypes: a run has no file to import from.
var sparse = rawCalls + sparseSteps

// rawCalls makes system calls for a program.
var rawCalls = fmt.Sprintf(`
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
`, unix.SYS_MMAP, unix.SYS_MUNMAP)

// sparseAtOnce is sparse after map and unmap: it prepares one page in each 2 MiB, and
// touches them all at a moment that it has in common with others like it. Then it
// waits, so that the first to be done still has its pages when the last comes to its own.
const sparseAtOnce = `
import time
pages, size = [], 32 << 20
while len(pages) < 20_000 and size > TABLE:
    start = call(MMAP, 0, size, 3, 0x22, -1, 0)
    if start < 0:
        size //= 2 # what is left of the address space
        continue
    gap = start
    for page in range(start + TABLE // 2, start + size - PAGE, TABLE):
        call(MUNMAP, gap, page - gap, 0, 0, 0, 0)
        gap = page + PAGE
        pages.append(page)
    call(MUNMAP, gap, start + size - gap, 0, 0, 0, 0)
print("prepared", len(pages))
time.sleep(max(0, AT - time.time()))
for page in pages:
    Byte.from_address(page).value = 1
print("touched")
time.sleep(2)
`

// sparseSteps are sparse's steps.
const sparseSteps = `
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
`

// TestMemoryLine: a program whose page tables alone would have the container
// killed is killed before it, and the server answers the next.
func TestMemoryLine(t *testing.T) {
	table := cell.NewTable("where", "outcome", "peak MiB", "limit MiB", "OOM kills")
	t.Run("in a run", func(t *testing.T) {
		group := newCgroup(t, containerMiB<<20)
		s := start(t, cell.Options{
			Wrap: group.Enter(),
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
	// Runs that grow at the same moment must not outrun the line together.
	t.Run("eleven at once", func(t *testing.T) {
		const limit, memory, runs = 1780, 128, 11
		group := newCgroup(t, limit<<20)
		s := start(t, cell.Options{
			Wrap: group.Enter(),
			Env: []string{"SANDBOX_MAX_CONCURRENCY=" + strconv.Itoa(runs), "SANDBOX_PROFILE=" + profileWith(t,
				change{memory, []string{"limits", "memory_mib"}}, change{"50s", []string{"limits", "max_timeout"}}, change{"observe", []string{"policy", "ast_scan", "mode"}})},
		})
		c := client(t, s)
		code := rawCalls + strings.Replace(sparseAtOnce, "AT", strconv.FormatInt(time.Now().Add(15*time.Second).Unix(), 10), 1)
		ends := make([]string, runs)
		var wg sync.WaitGroup
		for i := range runs {
			wg.Go(func() {
				answer, err := c.Execute(t.Context(), cell.Request{Code: code, Timeout: 50})
				if ends[i] = answer.Outcome; err != nil || answer.Status != http.StatusOK {
					t.Errorf("%s, %v", answer, err)
				}
			})
		}
		wg.Wait()
		killed := 0
		for _, end := range ends {
			if end == "memory_limit" {
				killed++
			}
		}
		if killed == 0 {
			t.Error("nobody came to the line: this proves nothing")
		}
		if kills := group.oomKills(t); kills != 0 {
			t.Errorf("the kernel killed %d processes", kills)
		}
		if next := execute(t, c, cell.Request{Code: "print(42)"}); !next.OK("42\n") {
			t.Errorf("the next program: %s", next)
		}
		table.Row(fmt.Sprintf("in %d runs at once", runs), fmt.Sprintf("%d memory_limit", killed), group.peak(t)>>20, limit, group.oomKills(t))
	})
	t.Run("outside", func(t *testing.T) { // the positive control
		group := newCgroup(t, containerMiB<<20)
		args := append(group.Enter(), "/usr/bin/python3", "-I", "-S", "-")
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
