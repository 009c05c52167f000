package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of a walk through a workspace, beside those of the profile.
const (
	walkDepth   = maxParts // names of more parts are not looked for
	walkEntries = 10000    // entries are looked at
)

// outputs returns the files of the workspace that a pattern matches, by name, within
// MaxOutputs and MaxOutputBytes: what is beyond these is named, and omitted. No link is
// followed, and what is no regular file is not there. Its run must have ended.
func (ws *workspace) outputs(patterns []string) (found []OutputFile, err error) {
	if ws == nil || len(patterns) == 0 {
		return nil, nil
	}
	w := outputWalk{left: walkEntries}
	for _, pattern := range patterns {
		w.patterns = append(w.patterns, strings.Split(pattern, "/"))
	}
	top, err := openOwn(int(ws.root.Fd()), ws.name)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	if err := w.walk(top, ""); err != nil {
		return nil, err
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
	return found, nil
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
}

// keepFirst sorts what was found by name and keeps as many as are named.
func (w *outputWalk) keepFirst() {
	slices.SortFunc(w.found, func(a, b foundFile) int { return cmp.Compare(a.name, b.name) })
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
			w.see(dir, path.Join(name, e.Name()), e)
		}
	}
	return nil
}

// see takes a file that is asked for, or looks through a folder. What its program has
// closed has nothing in it that could be asked for.
func (w *outputWalk) see(dir *os.File, name string, e fs.DirEntry) {
	switch {
	case e.IsDir() && strings.Count(name, "/") < walkDepth-1:
		fd, err := unix.Openat(int(dir.Fd()), e.Name(), unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		within := os.NewFile(uintptr(fd), "workspace")
		defer within.Close()
		_ = w.walk(within, name)
	case e.Type().IsRegular() && w.asked(name):
		var st unix.Stat_t
		if err := unix.Fstatat(int(dir.Fd()), e.Name(), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return
		}
		if w.found = append(w.found, foundFile{name, st.Size}); len(w.found) == 2*maxNamed {
			w.keepFirst()
		}
	}
}

func (w *outputWalk) asked(name string) bool {
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(w.patterns, func(pattern []string) bool { return matchParts(pattern, parts) })
}

// readBeneath reads a regular file of at most so many bytes, part by part of its name.
func readBeneath(dir int, name string, most int64) ([]byte, error) {
	parts := strings.Split(name, "/")
	at := dir
	for i, part := range parts {
		flags := unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
		if i < len(parts)-1 {
			flags |= unix.O_DIRECTORY
		}
		fd, err := unix.Openat(at, part, flags, 0)
		if at != dir {
			_ = unix.Close(at) // a directory
		}
		if err != nil {
			return nil, err
		}
		at = fd
	}
	file := os.NewFile(uintptr(at), "output")
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, errors.New("not the file that was found")
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(file, data)
	return data, err
}

func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
