//go:build linux

package cell

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 4711 1000 2 18446744073709551615"
	for _, tt := range []struct {
		line string
		want Proc
		ok   bool
	}{
		{"12 (python3.11)" + tail, Proc{PID: 12, Parent: 7, Comm: "python3.11", State: 'S', Threads: 3, Start: 4711, RSS: 2 * int64(os.Getpagesize())}, true},
		{"12 (a) Z 1 (b)" + tail, Proc{PID: 12, Parent: 7, Comm: "a) Z 1 (b", State: 'S', Threads: 3, Start: 4711, RSS: 2 * int64(os.Getpagesize())}, true},
		{"12 (sh) S 7", Proc{}, false},
		{"12 sh S 7", Proc{}, false},
		{"", Proc{}, false},
	} {
		got, err := parseStat(tt.line)
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("parseStat(%q) = %+v, %v; want %+v", tt.line, got, err, tt.want)
		}
	}
}

// Processes that are each other's ancestors, as they were read, are found once each.
func TestDescendantsInACircle(t *testing.T) {
	t.Parallel()
	of := func(pid, parent int) Proc { return Proc{PID: pid, Parent: parent} }
	var found []int
	for _, p := range descendants(1, []Proc{of(1, 3), of(2, 1), of(3, 2), of(4, 4), of(5, 3), of(5, 2), of(6, 7), of(0, 3), of(8, 0)}) {
		found = append(found, p.PID)
	}
	if want := []int{2, 3, 5}; !slices.Equal(found, want) {
		t.Errorf("found %v, want %v", found, want)
	}
}

// TestDescendants finds a grandchild, and no longer when it has ended.
func TestDescendants(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sh", "-c", "cat; true") // the second command keeps sh from exec
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var grandchild Proc
	for grandchild.Comm != "cat" {
		found, err := Descendants(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found {
			if p.Parent == cmd.Process.Pid {
				grandchild = p
			}
		}
	}
	if !grandchild.Exists() {
		t.Errorf("%v does not exist while it runs", grandchild)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if grandchild.Exists() {
		t.Errorf("%v exists after its parent reaped it", grandchild)
	}
}
