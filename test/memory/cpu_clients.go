//go:build linux

package memory

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// containerCore is the core that a container with CPU [Core] has, and nobody else.
const containerCore = 0

// LeaveCore takes this process, and what it starts from now on, off the core that
// containers have: clients are other machines, whose work is not done on a
// container's CPU. A container's own cpuset has its way all the same (cpuset(7)).
// Where there is only one core it does nothing.
func LeaveCore() error {
	if runtime.NumCPU() == 1 {
		return nil
	}
	return setCores(func(cores *unix.CPUSet) { cores.Clear(containerCore) })
}

// takeCore puts this process on the core that containers have.
func takeCore() error {
	return setCores(func(cores *unix.CPUSet) { cores.Zero(); cores.Set(containerCore) })
}

// setCores changes where the threads of this process may run. They hand that on to
// those that they start (sched_setaffinity(2)), so once nobody new was found, nobody
// new is as before.
func setCores(change func(*unix.CPUSet)) error {
	for done, found := map[int]bool{}, true; found; {
		found = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, thread := range threads {
			id, err := strconv.Atoi(thread.Name())
			if err != nil {
				return fmt.Errorf("/proc/self/task: %w", err)
			}
			if done[id] {
				continue
			}
			done[id], found = true, true
			var cores unix.CPUSet
			err = unix.SchedGetaffinity(id, &cores)
			if err == nil {
				change(&cores)
				err = unix.SchedSetaffinity(id, &cores)
			}
			if err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("where thread %d may run: %w", id, err)
			}
		}
	}
	return nil
}
