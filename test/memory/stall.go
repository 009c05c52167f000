//go:build linux

package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Stall is how long everybody else on a core waits while the kernel takes down a
// process there that charged StallMiB in sparse maps: no server can answer meanwhile.
// It is the machine's, 20 ms on one and 300 on another, so it is measured, in the same
// run as what it is compared with.
type Stall time.Duration

// StallMiB is what the process charges: half are page tables. Each page is a map of its
// own, of which there may be 65,530 (vm.max_map_count); taking down the same in one map
// holds a core for half as long.
const StallMiB = 480

// of is how long it takes for so many bytes instead.
func (s Stall) of(charge int64) time.Duration {
	return time.Duration(float64(s) * float64(charge) / (StallMiB << 20))
}

const (
	stallRounds  = 3
	stallTick    = time.Millisecond
	stallTimeout = time.Minute // of one round
)

// MeasureStall measures it on the core that containers have, or with CPU [Quota] on
// any; hold is the binary of command hold. It is the median of a few.
func MeasureStall(ctx context.Context, hold string, cpu CPU) (Stall, error) {
	var all []time.Duration
	for range stallRounds {
		took, err := stallOnce(ctx, hold, cpu)
		if err != nil {
			return 0, fmt.Errorf("the stall of this machine: %w", err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return Stall(all[len(all)/2]), nil
}

// stallOnce has the process killed beside one that wants to do something every
// millisecond, and returns how long that one was kept from it at most.
func stallOnce(ctx context.Context, hold string, cpu CPU) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, stallTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, hold, string(cpu))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it says so when it is there
		return 0, errors.Join(err, cmd.Wait())
	}
	type end struct {
		longest time.Duration
		err     error
	}
	watched, ready, gone := make(chan end, 1), make(chan struct{}), make(chan struct{})
	go func() {
		longest, err := longestGap(cpu, ready, gone)
		watched <- end{longest, err}
	}()
	<-ready
	err = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	close(gone)
	e := <-watched
	return e.longest, errors.Join(err, e.err)
}

// longestGap is how much later than it wanted a thread of this process came to its turn,
// from ready, which it closes, to done.
func longestGap(cpu CPU, ready chan<- struct{}, done <-chan struct{}) (longest time.Duration, err error) {
	began := sync.OnceFunc(func() { close(ready) })
	defer began()
	runtime.LockOSThread() // and never unlocked: the thread ends with its affinity
	if cpu == Core {
		var core unix.CPUSet
		core.Set(containerCore)
		if err := unix.SchedSetaffinity(0, &core); err != nil {
			return 0, err
		}
	}
	for {
		select {
		case <-done:
			return longest, nil
		default:
		}
		before := time.Now()
		tick := unix.NsecToTimespec(int64(stallTick))
		_ = unix.Nanosleep(&tick, nil) // EINTR: a tick that was shorter
		longest = max(longest, time.Since(before)-stallTick)
		began()
	}
}

// Hold charges StallMiB, says so on standard output, and waits to be killed. Every
// other page is a page table: of each 2 MiB one page is kept, and the rest given back.
func Hold(cpu CPU) error {
	if cpu == Core {
		if err := takeCore(); err != nil {
			return err
		}
	}
	const apart, page = 2 << 20, 4 << 10
	const pages = StallMiB << 20 / (2 * page)
	sparse, err := unix.Mmap(-1, 0, pages*apart, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return fmt.Errorf("map %d GiB: %w", pages*apart>>30, err)
	}
	if err := unix.Madvise(sparse, unix.MADV_NOHUGEPAGE); err != nil && !errors.Is(err, unix.EINVAL) {
		return err
	}
	for at := 0; at < len(sparse); at += apart {
		sparse[at] = 1
		if err := unix.MunmapPtr(unsafe.Pointer(&sparse[at+page]), apart-page); err != nil {
			return fmt.Errorf("give back what is between two pages: %w", err)
		}
	}
	if _, err := os.Stdout.WriteString("."); err != nil {
		return err
	}
	return unix.Pause()
}
