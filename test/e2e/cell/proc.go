//go:build linux

package cell

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Proc is a process as /proc/PID/stat showed it. PID and Start together name
// one process for as long as the machine is up; PID alone may be used again.
type Proc struct {
	PID     int
	Parent  int
	Comm    string // the name, at most 15 bytes
	State   byte   // 'Z' is a zombie
	Threads int
	Start   uint64 // clock ticks after boot
	RSS     int64  // resident memory in bytes, shared pages included
}

func (p Proc) String() string { return fmt.Sprintf("%d (%s, %c)", p.PID, p.Comm, p.State) }

// Process reads one process. The error is fs.ErrNotExist when there is none.
func Process(pid int) (Proc, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Proc{}, err
	}
	return parseStat(string(stat))
}

// parseStat reads the one line of /proc/PID/stat (proc_pid_stat(5)). The name
// stands in parentheses and may hold any byte: what counts is the last one.
func parseStat(line string) (Proc, error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return Proc{}, fmt.Errorf("no name in %q", line)
	}
	rest := strings.Fields(line[end+1:]) // rest[0] is field 3 of the manual
	const state, parent, threads, start, rss = 0, 1, 17, 19, 21
	if len(rest) <= rss || len(rest[state]) != 1 {
		return Proc{}, fmt.Errorf("too few fields in %q", line)
	}
	p := Proc{Comm: line[open+1 : end], State: rest[state][0]}
	var pages int64
	var errs [5]error
	p.PID, errs[0] = strconv.Atoi(strings.TrimSpace(line[:open]))
	p.Parent, errs[1] = strconv.Atoi(rest[parent])
	p.Threads, errs[2] = strconv.Atoi(rest[threads])
	p.Start, errs[3] = strconv.ParseUint(rest[start], 10, 64)
	pages, errs[4] = strconv.ParseInt(rest[rss], 10, 64)
	p.RSS = pages * int64(os.Getpagesize())
	return p, errors.Join(errs[:]...)
}

// Processes reads all processes of this PID namespace. One that ends while they
// are read is left out.
func Processes() ([]Proc, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []Proc
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, err := Process(pid); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

// Descendants returns the children of a process, theirs, and so on.
func Descendants(pid int) ([]Proc, error) {
	all, err := Processes()
	if err != nil {
		return nil, err
	}
	return descendants(pid, all), nil
}

// descendants finds each process once: they were read one after the other, so that one
// whose number was used again meanwhile can be its own ancestor among them. gVisor gives one
// that ends just then the number 0, which is the first process's parent, too.
func descendants(pid int, all []Proc) []Proc {
	children := map[int][]Proc{}
	for _, p := range all {
		children[p.Parent] = append(children[p.Parent], p)
	}
	seen := map[int]bool{pid: true, 0: true}
	var found []Proc
	for parents := []int{pid}; len(parents) > 0; parents = parents[1:] {
		for _, p := range children[parents[0]] {
			if !seen[p.PID] {
				seen[p.PID] = true
				found, parents = append(found, p), append(parents, p.PID)
			}
		}
	}
	return found
}

// Zygotes returns the interpreters from which runs are forked: the children of
// the server that are called python-something. There are two while one is being
// replaced.
func (s *Server) Zygotes() ([]Proc, error) {
	all, err := Processes()
	if err != nil {
		return nil, err
	}
	var zygotes []Proc
	for _, p := range all {
		if p.Parent == s.Proc.PID && p.State != 'Z' && strings.HasPrefix(p.Comm, "python") {
			zygotes = append(zygotes, p)
		}
	}
	return zygotes, nil
}

// Exists says whether this very process is still there, if only as a zombie.
func (p Proc) Exists() bool {
	now, err := Process(p.PID)
	return err == nil && now.Start == p.Start
}

// FDs counts the open descriptors of a process. The server is not dumpable, so
// that only root may ask.
func FDs(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if errors.Is(err, fs.ErrPermission) {
		return 0, fmt.Errorf("%w (only root may look)", err)
	}
	return len(entries), err
}
