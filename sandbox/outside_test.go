//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// eventually polls until the condition holds; it fails the test after patience.
func eventually(t testing.TB, patience time.Duration, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// A proc is a process as /proc/PID/stat shows it.
type proc struct {
	pid, parent, group int
	state              byte
}

// processes are all that the kernel has, zombies included.
func processes(t testing.TB) (all []proc) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (comm) state ppid pgrp: comm may hold anything, brackets too.
		_, rest, ok := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
		var p proc
		if p.pid, err = strconv.Atoi(filepath.Base(filepath.Dir(name))); err != nil || !ok {
			t.Fatalf("%s: %q", name, text)
		}
		if _, err := fmt.Sscanf(rest, "%c %d %d", &p.state, &p.parent, &p.group); err != nil {
			t.Fatalf("%s: %q: %v", name, text, err)
		}
		all = append(all, p)
	}
	return all
}

// groupOf are the processes of a zygote's group: itself and its runs.
func groupOf(t testing.TB, zygote int) (members []proc) {
	t.Helper()
	for _, p := range processes(t) {
		if p.group == zygote {
			members = append(members, p)
		}
	}
	return members
}

// childrenOf are the processes that this one has to reap some day.
func childrenOf(t testing.TB, parent int) (pids []int) {
	t.Helper()
	for _, p := range processes(t) {
		if p.parent == parent {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// current is the zygote that takes work; nil when there is none.
func current(s *Sandbox) *zygote {
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	return s.keeper.current
}

// smallMemory is what a run may have in a small sandbox, in MiB.
const smallMemory = 128

// small makes a sandbox of which many fit on the machine of the tests.
func small(p *Profile, cfg *Config) {
	observe(p, cfg)
	p.Limits.Memory = smallMemory
	cfg.Slots = 3
}

// endless runs a program that does not end by itself; it returns once the
// program runs, with a channel for the error of Run.
func endlessRun(t testing.TB, s *Sandbox, timeout time.Duration) <-chan error {
	t.Helper()
	running, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), Job{
			Code:   "import time\nprint('running')\nwhile True: time.sleep(3600)",
			Limits: Limits{Timeout: timeout},
			Stdout: writerFunc(func([]byte) { close(running) }),
		})
		ended <- err
	}()
	select {
	case <-running:
	case err := <-ended:
		t.Fatalf("the program did not run: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("the program does not run")
	}
	return ended
}

// wantGroup waits until a zygote's group has that many processes: a parked run
// comes a moment after the run that went before it has begun.
func wantGroup(t *testing.T, zygote, size int, who string) []proc {
	t.Helper()
	var members []proc
	eventually(t, 10*time.Second, who, func() bool {
		members = groupOf(t, zygote)
		return len(members) == size
	})
	return members
}
