//go:build linux

package cell

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// own are the processes that this package started and has not reaped.
var own pidSet

// AdoptOrphans makes this process the parent of everything that its children
// leave behind, so that Orphans can see it.
func AdoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// Orphans returns the children of this process that this package did not start,
// dead ones included: what a server that has ended left behind. Call
// AdoptOrphans before the server starts, and have no other child.
func Orphans() ([]Proc, error) {
	all, err := Processes()
	if err != nil {
		return nil, err
	}
	var orphans []Proc
	for _, p := range all {
		if p.Parent == os.Getpid() && !own.has(p.PID) {
			orphans = append(orphans, p)
		}
	}
	return orphans, nil
}

// EndOrphans kills and reaps these children, so that one failure is not
// reported twice.
func EndOrphans(orphans []Proc) {
	for _, p := range orphans {
		_ = unix.Kill(p.PID, unix.SIGKILL) // fails for the dead, which need only be reaped
		_, _ = unix.Wait4(p.PID, nil, 0, nil)
	}
}

type pidSet struct {
	mu   sync.Mutex
	pids map[int]bool
}

func (s *pidSet) add(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pids == nil {
		s.pids = map[int]bool{}
	}
	s.pids[pid] = true
}

func (s *pidSet) remove(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pids, pid)
}

func (s *pidSet) has(pid int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pids[pid]
}
