package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// processSum sums what processes hold: RSS and page tables, which is what most
// of a run's charge is made of. It stands in where there is no cgroup, or one
// that charges us with strangers. A page that a run shares with its zygote
// counts in both; kernel memory other than page tables does not count.
type processSum struct {
	why string // it is what is read, for people

	mu    sync.Mutex
	procs []*charger // a pointer each, so that no two are the same
	asked []*charger // kept between calls of charge
}

// A charger says what it holds in bytes; 0 before it has begun and once it is gone.
type charger interface{ charge() (int64, error) }

// add counts p until remove is called. A call of p on its way may still arrive then.
func (s *processSum) add(p charger) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.procs = append(s.procs, &p)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.procs = slices.DeleteFunc(s.procs, func(other *charger) bool { return other == &p })
	}
}

// addProcess counts a process that is not reaped yet until remove is called, and
// with it what it holds in bytes beside its RSS.
func (s *processSum) addProcess(pid int, beside int64) (remove func(), err error) {
	m, err := openProcessMeter(pid)
	if err != nil {
		return nil, err
	}
	m.beside = beside
	uncount := s.add(m)
	return func() {
		uncount()
		m.Close()
	}, nil
}

// charge is for one goroutine. It asks without the lock: a process may have
// locks of its own.
func (s *processSum) charge(int64) (sum int64, _ error) {
	s.mu.Lock()
	s.asked = append(s.asked[:0], s.procs...)
	s.mu.Unlock()
	for _, p := range s.asked {
		n, err := (*p).charge()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (s *processSum) String() string {
	return "RSS + page tables of server, zygotes and runs (" + s.why + ")"
}

// Close closes the meters that were opened for addProcess and not removed.
func (s *processSum) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range s.procs {
		if m, ok := (*p).(*processMeter); ok {
			errs = append(errs, m.Close())
		}
	}
	s.procs, s.asked = nil, nil
	return errors.Join(errs...)
}

// processMeter reads what one process holds. Its descriptors stand for the
// process itself, so a process id that is used again can't mislead it.
type processMeter struct {
	statm, status counterFile
	beside        int64 // what it holds and neither of them shows, in bytes
}

// openProcessMeter opens the meter of a process that is not reaped yet. It
// needs no rights over the process.
func openProcessMeter(pid int) (*processMeter, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	statm, err := openCounter(filepath.Join(dir, "statm"), lineMax)
	if err != nil {
		return nil, err
	}
	status, err := openCounter(filepath.Join(dir, "status"), textMax)
	if err != nil {
		statm.file.Close()
		return nil, err
	}
	return &processMeter{statm: statm, status: status}, nil
}

// charge returns what the process holds, RSS and page tables, in bytes; 0 once it is gone
// or the meter is closed. Kernels before 6.17 count RSS in batches for each
// processor and may be off by a MiB or so for each.
func (m *processMeter) charge() (int64, error) {
	text, err := m.statm.read()
	if err != nil {
		return 0, unlessGone(err)
	}
	pages, ok := field(text, []byte(" ")) // the second of "size resident shared ..."
	if !ok {
		return 0, fmt.Errorf("%s: %q", m.statm.file.Name(), text)
	}
	if text, err = m.status.read(); err != nil {
		return 0, unlessGone(err)
	}
	tables, _ := field(text, []byte("\nVmPTE:")) // in KiB; a zombie and gVisor have none
	return pages*int64(os.Getpagesize()) + tables<<10 + m.beside, nil
}

// unlessGone is err, nil if it only says that the process has ended.
func unlessGone(err error) error {
	if errors.Is(err, unix.ESRCH) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

func (m *processMeter) Close() error {
	return errors.Join(m.statm.file.Close(), m.status.file.Close())
}

// processCharge returns RSS and page tables of a process, in bytes.
func processCharge(pid int) (int64, error) {
	m, err := openProcessMeter(pid)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	n, err := m.charge()
	if err == nil && n == 0 {
		err = fmt.Errorf("process %d has ended", pid)
	}
	return n, err
}

// pidfdMeter meters the process behind a pidfd. The zero value is ready; what
// it needs, it opens at the first call of charge, for mostly nobody asks. It is
// not safe for concurrent use.
type pidfdMeter struct{ *processMeter }

// charge returns what the process holds in bytes; 0 once it is gone. Pid is what
// the process is believed to be to us; it counts where the kernel does not say.
func (m *pidfdMeter) charge(pidfd, pid int) (int64, error) {
	if m.processMeter == nil {
		said, err := pidOf(pidfd)
		if said < 0 || err != nil {
			return 0, err
		}
		if said > 0 {
			pid = said
		}
		if pid <= 0 && hasEnded(pidfd) {
			return 0, nil
		}
		if pid <= 0 {
			return 0, errors.New("memory line: the kernel does not say which process a pidfd is")
		}
		opened, err := openProcessMeter(pid)
		if err != nil {
			return 0, unlessGone(err)
		}
		// If it was reaped before the meter was open, the number may be
		// another process's by now. EPERM says that it is there.
		if unix.PidfdSendSignal(pidfd, 0, nil, 0) == unix.ESRCH {
			return 0, opened.Close()
		}
		m.processMeter = opened
	}
	return m.processMeter.charge()
}

// Close gives back what charge has opened, if it has.
func (m *pidfdMeter) Close() error {
	if m.processMeter == nil {
		return nil
	}
	return m.processMeter.Close()
}

// hasEnded reports whether the process behind a pidfd has ended, reaped or not: it is
// readable then (pidfd_open(2)).
func hasEnded(pidfd int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0)
		if !errors.Is(err, unix.EINTR) {
			return err == nil && n == 1
		}
	}
}

// pidOf returns the process id behind a pidfd, as this PID namespace numbers
// it: see "Pid" in pidfd_open(2). It is -1 if the process has been reaped, 0 if
// the kernel does not say: gVisor, of a process that has ended.
func pidOf(pidfd int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd))
	if err != nil {
		return 0, err
	}
	key := []byte("\nPid:")
	_, after, ok := bytes.Cut(text, key)
	if !ok {
		return 0, nil
	}
	line, _, _ := bytes.Cut(after, []byte("\n"))
	return strconv.Atoi(string(bytes.TrimSpace(line)))
}
