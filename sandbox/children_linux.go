package sandbox

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// children knows the process groups of the zygotes, so that whoever reaps
// strangers leaves them to their zygote's bury.
var children = &registry{groups: make(map[int]bool), changed: make(chan struct{}, 1)}

type registry struct {
	mu      sync.Mutex
	groups  map[int]bool
	changed chan struct{} // holds a token after a removal
}

func (r *registry) add(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups[pid] = true
}

func (r *registry) remove(pid int) {
	r.mu.Lock()
	delete(r.groups, pid)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// owns reports whether a child that has ended belongs to a zygote: zygotes lead
// a process group each, and their runs can't leave it.
func (r *registry) owns(pid int) bool {
	group, err := unix.Getpgid(pid)
	if err != nil {
		return true // gone: somebody reaped it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.groups[group]
}

// ReapOrphans reaps, until ctx ends, every child that is not a zygote's: as PID 1
// of a container we inherit what others leave behind. The process must not wait
// for children of its own meanwhile, other than through this package.
func ReapOrphans(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	defer signal.Stop(ended)
	for {
		reapStrangers()
		select {
		case <-ctx.Done():
			return
		case <-ended:
		case <-children.changed: // one of ours no longer hides a stranger behind it
		}
	}
}

// reapStrangers looks at one ended child after the other, and stops at the first
// that is a zygote's: its own reaper is about to take it.
func reapStrangers() {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		pid := siginfoPID(&info)
		if err != nil || pid == 0 || children.owns(pid) {
			return
		}
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // seen as ended just now
	}
}

// siginfoPID is si_pid of a SIGCHLD: behind three ints and the padding that
// 64-bit architectures have before a union with pointers in it.
func siginfoPID(info *unix.Siginfo) int {
	const offset = 16
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(info), offset)))
}
