package launch

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// ListenerTag is the first byte of the message that carries the listener: the descriptor
// on which the server is asked about the calls that Filters.Asking refuses.
const ListenerTag = 'D'

// A notification is struct seccomp_notif (seccomp_unotify(2)): a call that waits for
// its answer.
type notification struct {
	id     uint64
	thread uint32
	_      uint32    // flags
	number int32     // here begins struct seccomp_data
	_      uint32    // architecture: a foreign one is not asked about
	_      [7]uint64 // where the call is made, and its arguments
}

// A response is struct seccomp_notif_resp. One of its flags would let the kernel make the
// call after all (SECCOMP_USER_NOTIF_FLAG_CONTINUE): there is nothing here that could set it.
type response struct {
	id    uint64
	_     int64 // what the call returns, if it is no error
	errno int32 // negative
	_     uint32
}

// enterOuter puts outer in force for this thread and what it execs. If runs have files and
// the kernel can ask, it is the one that asks, and the server gets the listener. If not,
// what is denied is EPERM all the same, and has no name. So it is no error that a kernel has
// no notifications (gVisor) or structs of another size, or that the container's own filter
// has a listener already: there can be only one.
//
// Once the server has taken a call, only a fatal signal ends its wait for the answer
// (WAIT_KILLABLE_RECV, Linux 5.19; older kernels name nothing): others would let a program ask
// as often as it can send itself signals, however long the answers are put off.
func (f Filters) enterOuter() error {
	if f.Asking == nil || !knowsNotifications() {
		_, err := install(f.Outer, 0)
		return err
	}
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	listener, err := install(f.Asking, flags)
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EINVAL) {
		_, err = install(f.Outer, 0)
		return err
	}
	if err != nil {
		return err
	}
	defer unix.Close(listener) // or exec does
	if err := unix.Sendmsg(SocketFD, []byte{ListenerTag}, unix.UnixRights(listener), nil, 0); err != nil {
		return fmt.Errorf("give the server the listener: %w", err)
	}
	return nil
}

// knowsNotifications reports whether the kernel's structs are those above.
func knowsNotifications() bool {
	var sizes struct{ notification, response, data uint16 } // struct seccomp_notif_sizes
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_NOTIF_SIZES, 0, uintptr(unsafe.Pointer(&sizes)))
	const data = 64
	return errno == 0 && uintptr(sizes.notification) == unsafe.Sizeof(notification{}) &&
		uintptr(sizes.response) == unsafe.Sizeof(response{}) && sizes.data == data
}

// A DeniedCall waits for its answer.
type DeniedCall struct {
	id     uint64
	Number int // of this architecture
	Thread int // that makes it, as the PID namespace numbers it that asks
}

// NextDenied takes a call from a listener that is readable. ENOENT: its thread was
// killed meanwhile.
func NextDenied(listener int) (DeniedCall, error) {
	var n notification // all zero, or it is EINVAL
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n)))
	if errno != 0 {
		return DeniedCall{}, errno
	}
	return DeniedCall{id: n.id, Number: int(n.number), Thread: int(n.thread)}, nil
}

// Deny answers the call: it is EPERM. ENOENT: nobody waits any more.
func (c DeniedCall) Deny(listener int) error {
	r := response{id: c.id, errno: -int32(unix.EPERM)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r)))
	if errno != 0 {
		return errno
	}
	return nil
}

// Name is the kernel's name of the call, or its number if it has none here.
func (c DeniedCall) Name() string {
	if table, err := arch.GetInfo(""); err == nil {
		if name, ok := table.SyscallNumbers[c.Number]; ok {
			return name
		}
	}
	return "call " + strconv.Itoa(c.Number)
}
