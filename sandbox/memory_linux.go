package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// A chargeSource says how much memory is charged against a limit. The memory
// line asks it every few milliseconds.
type chargeSource interface {
	// charge returns bytes that can't be reclaimed. Below line it may overstate
	// them; a result of at least line is exact.
	charge(line int64) (int64, error)
	// String says what is read, for people.
	fmt.Stringer
	io.Closer
}

// cgroupCharge reads the charge of a memory cgroup with everything below it.
type cgroupCharge struct {
	counters []counterFile // v2 memory.current; v1 usage and TCP buffers
	stat     counterFile   // memory.stat
	inactive []byte        // the key in memory.stat, between newline and value
	others   cacheKeys
	pinned   func() int64 // bytes of slab_reclaimable that may not be, see pinnedSlab
	name     string

	resting sync.Mutex  // guards those below
	kernel  counterFile // v1: memory.kmem.usage_in_bytes, if it is there
	began   int64       // what that was when it was opened, before there was a run
	left    int64       // how much more it was when the last run had gone, and at most since
}

// A restingSource is told when no run is in flight. What it says then that is left is
// nobody's: a charge may be without it, see memoryWatch.held.
//
// Version 1 does not say how much of the kernel's memory can be taken back, and a run
// that asks for a million names that are not there leaves 500 MiB of it. The kernel gives them
// up when the limit is met; the line, which is below that, would until then cost every
// later run its life.
type restingSource interface {
	rest()
	leftBehind() int64 // what of it is still there at most
}

// rest notes how much of the kernel's memory runs have left behind that are all gone.
func (c *cgroupCharge) rest() {
	c.resting.Lock()
	defer c.resting.Unlock()
	c.left = c.beyondBegin()
}

// leftBehind can only fall until the next rest: what the kernel has taken back since, and
// it takes back all at once, is not left if a run holds as much instead later.
func (c *cgroupCharge) leftBehind() int64 {
	c.resting.Lock()
	defer c.resting.Unlock()
	if c.left > 0 {
		c.left = min(c.left, c.beyondBegin())
	}
	return c.left
}

// beyondBegin is 0 where it is not known.
func (c *cgroupCharge) beyondBegin() int64 {
	if c.kernel.file == nil {
		return 0
	}
	now, err := c.kernel.number()
	if err != nil {
		return 0
	}
	return max(0, now-c.began)
}

// cacheKeys are of what else in memory.stat the kernel can take back when it must.
// Without them a program that reads many files, or asks for many that are not there, would
// leave a charge that the runs after it were killed for.
type cacheKeys struct {
	active, dirty, writeback []byte
	slab                     []byte // nil: not said, in version 1
}

const (
	// keptActive, in bytes, of the files that were read again and again count as held: among
	// them is the code that runs, without which nothing goes on.
	keptActive = 64 << 20
	// keptSlab, in bytes, is what is pinned of slab_reclaimable all the same: names of open files.
	keptSlab = 32 << 20
	// pinnedName is what one file on a tmpfs holds of it: its name is not in a cache, but
	// all that there is of it (dentry of 192 bytes, a name of up to 255).
	pinnedName = 512
)

// pinnedSlab says how much of slab_reclaimable runs can hold for good, in bytes. The volume
// is one in memory, or nil: there may be as many files in it as there is memory for, so it
// is asked how many there are.
func pinnedSlab(slots int, workspace MiB, volume *os.File) func() int64 {
	pinned := int64(keptSlab)
	switch {
	case volume != nil:
		return func() int64 {
			var fs unix.Statfs_t
			if err := unix.Fstatfs(int(volume.Fd()), &fs); err != nil {
				return math.MaxInt64
			}
			return keptSlab + int64(fs.Files-fs.Ffree)*pinnedName + int64(fs.Blocks-fs.Bfree)*fs.Bsize/nodeShare
		}
	case workspace > 0:
		each := int64(workspaceInodes(workspace))*pinnedName + workspace.Bytes()/nodeShare
		pinned += int64(slots+1) * each
	}
	return func() int64 { return pinned }
}

// openCgroupCharge opens the counters of c for good and reads each of them
// once: what can be read now can be read later, without a descriptor or an
// allocation, when memory is short.
func openCgroupCharge(c *memoryCgroup, pinned func() int64) (_ *cgroupCharge, err error) {
	src := &cgroupCharge{inactive: []byte("\ninactive_file "), pinned: pinned, others: cacheKeys{
		active: []byte("\nactive_file "), dirty: []byte("\nfile_dirty "), writeback: []byte("\nfile_writeback "), slab: []byte("\nslab_reclaimable "),
	}}
	names := []string{"memory.current"}
	src.name = c.String() + ": current - caches"
	if c.version == 1 {
		// Version 1 keeps inactive_file of the cgroup alone beside the
		// total with its descendants, and TCP's buffers out of usage.
		src.inactive = []byte("\ntotal_inactive_file ")
		src.others = cacheKeys{active: []byte("\ntotal_active_file "), dirty: []byte("\ntotal_dirty "), writeback: []byte("\ntotal_writeback ")}
		names = []string{"memory.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes"}
		src.name = c.String() + ": usage + kmem.tcp - caches"
	}
	defer func() {
		if err != nil {
			src.Close()
		}
	}()
	for i, name := range names {
		f, err := openCounter(filepath.Join(c.dir, name), lineMax)
		// The TCP counter is not there in a kernel without networking, nor
		// in gVisor.
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			src.name = c.String() + ": usage - caches"
			continue
		}
		if err != nil {
			return nil, err
		}
		src.counters = append(src.counters, f)
	}
	if src.stat, err = openCounter(filepath.Join(c.dir, "memory.stat"), textMax); err != nil {
		return nil, err
	}
	if c.version == 1 {
		src.kernel, err = openCounter(filepath.Join(c.dir, "memory.kmem.usage_in_bytes"), lineMax)
		if err == nil {
			src.began, err = src.kernel.number()
		}
		if err != nil { // a kernel that does not count it, or gVisor: nothing is known to be left
			src.kernel.file.Close()
			src.kernel.file = nil
		}
	}
	_, err = src.charge(0)
	return src, err
}

// charge reads memory.stat only when the counters alone have reached line:
// the kernel gathers some sixty figures from all processors for it.
func (c *cgroupCharge) charge(line int64) (int64, error) {
	var sum int64
	for i := range c.counters {
		n, err := c.counters[i].number()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	if sum < line {
		return sum, nil
	}
	text, err := c.stat.read()
	if err != nil {
		return 0, err
	}
	inactive, ok := field(text, c.inactive)
	if !ok {
		return 0, fmt.Errorf("%s: no%s", c.stat.file.Name(), bytes.TrimSpace(c.inactive))
	}
	return max(0, sum-inactive-c.others.beyond(text, c.pinned())), nil
}

// beyond is what the caches hold in bytes beyond what counts as held.
func (k cacheKeys) beyond(text []byte, pinned int64) int64 {
	of := func(key []byte) int64 {
		n, _ := field(text, key) // 0 where this kernel does not say
		return n
	}
	bytes := max(0, of(k.active)-keptActive-of(k.dirty)-of(k.writeback))
	if k.slab != nil {
		bytes += max(0, of(k.slab)-pinned)
	}
	return bytes
}

func (c *cgroupCharge) String() string { return c.name }

func (c *cgroupCharge) Close() error {
	var errs []error
	for _, f := range c.counters {
		errs = append(errs, f.file.Close())
	}
	for _, f := range []counterFile{c.stat, c.kernel} {
		if f.file != nil {
			errs = append(errs, f.file.Close())
		}
	}
	return errors.Join(errs...)
}

// counterFile is an open file of /proc or of a cgroup that is read again and
// again from its beginning.
type counterFile struct {
	file *os.File
	buf  []byte
}

// What is read of one file at most, in bytes.
const (
	lineMax = 512      // one line of numbers, with room to spare
	textMax = 16 << 10 // memory.stat has 2 KiB; the status of a process, 1.5 and 11 bytes for each group
)

func openCounter(name string, most int) (counterFile, error) {
	f, err := os.Open(name)
	return counterFile{f, make([]byte, most)}, err
}

// read returns the whole file; it is valid until the next read.
func (c counterFile) read() ([]byte, error) {
	n, err := c.file.ReadAt(c.buf, 0)
	if err == nil {
		return nil, fmt.Errorf("%s: longer than %d bytes", c.file.Name(), len(c.buf))
	}
	if err != io.EOF {
		return nil, err
	}
	return c.buf[:n], nil
}

// number reads a file that is one number.
func (c counterFile) number() (int64, error) {
	text, err := c.read()
	if err != nil {
		return 0, err
	}
	n, ok := leadingNumber(text)
	if !ok {
		return 0, fmt.Errorf("%s: not a number", c.file.Name())
	}
	return n, nil
}

// field returns the number that follows the first key in text.
func field(text, key []byte) (int64, bool) {
	_, after, ok := bytes.Cut(text, key)
	if !ok {
		return 0, false
	}
	return leadingNumber(after)
}

// leadingNumber reads the decimal number at the beginning of text, after blanks.
// Out of int64's range it is no number.
func leadingNumber(text []byte) (n int64, ok bool) {
	for _, c := range bytes.TrimLeft(text, " \t") {
		if c < '0' || c > '9' {
			break
		}
		if n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n, ok = n*10+int64(c-'0'), true
	}
	return n, ok
}
