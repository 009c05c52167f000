//go:build linux

package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"codecell/test/e2e/cell"
)

// missingNames: programs ask for names that are not there, one after the other until
// each has filled the container with what the kernel remembers of them, if it can. What they
// leave is in nobody's process: the run after them, which is measured as always, must have
// room all the same.
var missingNames = Attack{
	Name:    "missing-names",
	Route:   "page cache of files that were read, and names",
	Needs:   Files,
	Client:  askForMissing,
	Answers: []Seen{Served},

	MeetsLimit: true,
}

// cachedFiles: programs read all files of the interpreter, twice, so that the kernel
// keeps them; and then one that takes all the memory there is.
var cachedFiles = Attack{
	Name:    "cached-files",
	Route:   "page cache of files that were read, and names",
	Needs:   Files,
	Client:  readEverything,
	Answers: []Seen{Served},

	MeetsLimit: true,
}

const (
	missingRuns = 3
	cachedRuns  = 2
	// Refused is seen of a small program that did not run as it should have.
	Refused Seen = "no room for a small program"
)

// lookUp asks for names that nobody has asked for, as long as names can be: the kernel
// keeps each, with its length.
const lookUp = `
import os
folders = [os.path.dirname(os.__file__), "/usr/lib", "/usr/bin"]
padding = %q + "x" * 200
for i in range(1_200_000):
    try:
        os.stat(f"{folders[i %% 3]}/{i}{padding}")
    except OSError:
        pass
print("ok")
`

func askForMissing(ctx context.Context, t *Target) error {
	c := t.Client(2 * runTimeout)
	defer c.Close()
	for range missingRuns {
		code := fmt.Sprintf(lookUp, rand.Text())
		if _, err := t.Execute(ctx, c, cell.Request{Code: code, Timeout: runTimeout.Seconds()}); err != nil {
			return err
		}
	}
	if err := t.small(ctx, c); err != nil {
		return err
	}
	// One that takes all that it may: what is left has to give way to it.
	a, err := t.Execute(ctx, c, cell.Request{Code: takeAll, Timeout: runTimeout.Seconds()})
	if err == nil && endOf(a) != MemoryError {
		t.odder(Refused, a.String())
	}
	return err
}

// small runs programs of a moment's length, and sees of each whether it had room.
func (t *Target) small(ctx context.Context, c *cell.Client) error {
	for range 5 {
		a, err := t.Execute(ctx, c, cell.Request{Code: aMoment})
		if err != nil {
			return err
		}
		if !a.OK("42\n") {
			t.odder(Refused, a.String())
		}
	}
	return nil
}

// readAll reads what it may, and again, which is what makes a page active.
const readAll = `
import os
read = 0
for turn in range(2):
    for top in ("/usr/lib", "/usr/share", os.path.dirname(os.__file__)):
        for folder, _, names in os.walk(top):
            for name in names:
                try:
                    with open(f"{folder}/{name}", "rb", buffering=0) as file:
                        while piece := file.read(1 << 20):
                            read += len(piece)
                except OSError:
                    pass
print(read >> 20)
`

const takeAll = `
held = []
while True:
    held.append(b"x" * (8 << 20))
`

func readEverything(ctx context.Context, t *Target) error {
	c := t.Client(2 * runTimeout)
	defer c.Close()
	for range cachedRuns {
		// Who reads a file first is charged for it: that was another container, or its zygote.
		if err := t.forgetFiles(); err != nil {
			return err
		}
		for _, code := range []string{readAll, takeAll} {
			if _, err := t.Execute(ctx, c, cell.Request{Code: code, Timeout: runTimeout.Seconds()}); err != nil {
				return err
			}
		}
	}
	return t.small(ctx, c)
}

// forgetFiles takes out of the page cache what it can of the container's files. What is
// mapped by a process stays.
func (t *Target) forgetFiles() error {
	root := fmt.Sprintf("/proc/%d/root/usr/", t.Server.PID)
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		return unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}
