package sandbox

import (
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Counts returns what has happened since the start.
func (s *Sandbox) Counts() Counts {
	var c Counts
	c.ZygotesLost, c.Forks = s.keeper.counts()
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	c.MemoryLineKills = s.line.kills
	return c
}

// Memory reads what the kernel counts. With an error, what could be read is there.
func (s *Sandbox) Memory() (Memory, error) { return readMemory(os.DirFS("/"), s.memory.cgroup) }

// readMemory reads it from the file system root; cgroup is nil where nothing but
// RAM limits us.
func readMemory(root fs.FS, cgroup *memoryCgroup) (m Memory, err error) {
	text, err := fs.ReadFile(root, "proc/self/statm")
	if err != nil {
		return m, fmt.Errorf("memory in use: %w", err)
	}
	pages, _ := field(text, []byte(" ")) // the second of "size resident shared ..."
	m.Server = pages * int64(os.Getpagesize())
	if cgroup == nil {
		return m, nil
	}
	usage, events, kills := "memory.current", "memory.events", "\noom_kill "
	if cgroup.version == 1 {
		usage, events = "memory.usage_in_bytes", "memory.oom_control"
	}
	text, err = fs.ReadFile(root, path.Join(cgroup.dir, usage)[1:])
	if err != nil {
		return m, fmt.Errorf("memory in use: %w", err)
	}
	m.Usage, m.Cgroup = leadingNumber(text)
	m.Limit = cgroup.limit
	text, err = fs.ReadFile(root, path.Join(cgroup.dir, events)[1:])
	if err != nil {
		return m, fmt.Errorf("memory in use: %w", err)
	}
	// The kernel has it since 4.13; where there is none, gVisor for one, none are counted.
	m.OOMKills, _ = field(text, []byte(kills))
	return m, nil
}
