package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of a walk through a workspace, beside those of the profile.
const (
	walkDepth   = maxParts // names of more parts are not looked for
	walkEntries = 10000    // entries are looked at
	walkTime    = time.Second
)

// outputs returns the files of the workspace that a job asks for, by name, within
// MaxOutputs and MaxOutputBytes: what is beyond these is named, and omitted. No link is
// followed, and what is no regular file is not there. Its run must have ended.
func (ws *workspace) outputs(job Job) (found []OutputFile, err error) {
	if ws == nil || len(job.Outputs) == 0 && !job.Figures {
		return nil, nil
	}
	top, err := openOwn(int(ws.root.Fd()), ws.name)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	if empty, err := isEmpty(top); err != nil {
		return nil, err
	} else if empty {
		return []OutputFile{}, nil
	}
	w := outputWalk{left: walkEntries, until: time.Now().Add(walkTime)}
	for _, name := range job.figures() {
		w.look(int(top.Fd()), name)
	}
	var searches []string
	for _, pattern := range job.Outputs {
		if strings.ContainsAny(pattern, `*?[\`) {
			searches = append(searches, pattern)
			w.patterns = append(w.patterns, strings.Split(pattern, "/"))
		} else {
			w.look(int(top.Fd()), pattern)
		}
	}
	if len(searches) > 0 {
		if err := w.walk(top, ""); err != nil {
			return nil, err
		}
	}
	w.keepFirst()
	room := int64(MaxOutputBytes)
	found = []OutputFile{}
	for i, f := range w.found {
		out := OutputFile{Name: f.name, Size: f.size}
		switch {
		case CheckFileName(f.name) != nil:
			out.Name = strings.Trim(strconv.QuoteToASCII(f.name), `"`)
			out.Omitted = OmittedName
		case i >= MaxOutputs:
			out.Omitted = OmittedCount
		case f.size > room:
			out.Omitted = OmittedSize
		default:
			if out.Data, err = readBeneath(int(top.Fd()), f.name, room); err != nil {
				out.Omitted = OmittedUnreadable
				break
			}
			sum := sha256.Sum256(out.Data)
			out.Size, out.SHA256 = int64(len(out.Data)), hex.EncodeToString(sum[:])
			room -= out.Size
		}
		found = append(found, out)
	}
	if w.left <= 0 {
		for _, pattern := range searches {
			found = append(found, OutputFile{Name: pattern, Omitted: OmittedSearch})
		}
	}
	return found, nil
}

// isEmpty spares most runs a look for each name that a figure could have. The folder is
// read from its beginning next.
func isEmpty(folder *os.File) (bool, error) {
	if _, err := folder.ReadDir(1); err != nil {
		return errors.Is(err, io.EOF), unlessEOF(err)
	}
	_, err := folder.Seek(0, io.SeekStart)
	return false, err
}

// figures are the names that saved figures can have: those that no input has.
func (j Job) figures() (names []string) {
	if !j.Figures {
		return nil
	}
	for n := range MaxOutputs + MaxInputs {
		name := fmt.Sprintf("figure-%d.png", n+1)
		if !slices.ContainsFunc(j.Files, func(f InputFile) bool { return f.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// maxNamed bounds how many files are named at all.
const maxNamed = 2 * MaxOutputs

type foundFile struct {
	name string
	size int64
}

// outputWalk is one walk through a workspace.
type outputWalk struct {
	patterns [][]string  // by part
	found    []foundFile // at most twice maxNamed
	left     int         // entries that may still be looked at
	until    time.Time   // and no entry after
}

// keepFirst sorts what was found by name, each once, and keeps as many as are named.
func (w *outputWalk) keepFirst() {
	slices.SortFunc(w.found, func(a, b foundFile) int { return cmp.Compare(a.name, b.name) })
	w.found = slices.CompactFunc(w.found, func(a, b foundFile) bool { return a.name == b.name })
	w.found = w.found[:min(len(w.found), maxNamed)]
}

// walk looks through a folder.
func (w *outputWalk) walk(dir *os.File, name string) error {
	for w.left > 0 {
		entries, err := dir.ReadDir(256)
		if len(entries) == 0 {
			return unlessEOF(err)
		}
		w.left -= len(entries)
		for _, e := range entries {
			if w.see(dir, path.Join(name, e.Name()), e); time.Now().After(w.until) {
				w.left = 0
				return nil
			}
		}
	}
	return nil
}

// see takes a file that is asked for, or looks through a folder. What its program has
// closed has nothing in it that could be asked for.
func (w *outputWalk) see(dir *os.File, name string, e fs.DirEntry) {
	switch {
	case len(name) > maxName: // nor does a pattern match what is below
	case e.IsDir() && strings.Count(name, "/") < walkDepth-1:
		fd, err := unix.Openat(int(dir.Fd()), e.Name(), unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		within := os.NewFile(uintptr(fd), "workspace")
		defer within.Close()
		_ = w.walk(within, name)
	case e.Type().IsRegular() && w.asked(name):
		w.take(int(dir.Fd()), e.Name(), name)
	}
}

// look takes the file of that name, if there is one.
func (w *outputWalk) look(top int, name string) {
	_ = inFolderOf(top, name, func(dir int, base string) error { // not there
		w.take(dir, base, name)
		return nil
	})
}

// take takes a regular file, by its name in a folder.
func (w *outputWalk) take(dir int, base, name string) {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return
	}
	if w.found = append(w.found, foundFile{name, st.Size}); len(w.found) == 2*maxNamed {
		w.keepFirst()
	}
}

func (w *outputWalk) asked(name string) bool {
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(w.patterns, func(pattern []string) bool { return matchParts(pattern, parts) })
}

// readBeneath reads a regular file of at most so many bytes.
func readBeneath(dir int, name string, most int64) (data []byte, err error) {
	err = inFolderOf(dir, name, func(at int, base string) error {
		fd, err := unix.Openat(at, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		file := os.NewFile(uintptr(fd), "output")
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() > most {
			return errors.New("not the file that was found")
		}
		data = make([]byte, info.Size())
		_, err = io.ReadFull(file, data)
		return err
	})
	return data, err
}

// inFolderOf calls do with the folder of a name beneath dir, opened part by part, and what it
// is called there.
func inFolderOf(dir int, name string, do func(at int, base string) error) error {
	folder, rest, below := strings.Cut(name, "/")
	if !below {
		return do(dir, name)
	}
	fd, err := unix.Openat(dir, folder, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return inFolderOf(fd, rest, do)
}

func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
