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
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds of a walk through a workspace, beside those of the profile.
const (
	walkDepth   = 8      // names of more parts are not looked for
	walkEntries = 100000 // of an operator's volume; a tmpfs of ours has fewer inodes
)

// outputs returns the files of the workspace that a pattern matches, by name, within
// MaxOutputs and MaxOutputBytes: what is beyond these is named, and omitted. No link is
// followed, and what is no regular file is not there. Its run must have ended.
func (ws *workspace) outputs(patterns []string) (found []OutputFile, err error) {
	if ws == nil || len(patterns) == 0 {
		return nil, nil
	}
	w := outputWalk{patterns: patterns, left: walkEntries}
	dir, err := unix.Openat(int(ws.root.Fd()), ws.name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := w.walk(dir, ""); err != nil {
		return nil, err
	}
	slices.SortFunc(w.found, func(a, b foundFile) int { return cmp.Compare(a.name, b.name) })
	dir, err = unix.Openat(int(ws.root.Fd()), ws.name, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	room := int64(MaxOutputBytes)
	found = []OutputFile{}
	for i, f := range w.found {
		out := OutputFile{Name: f.name, Size: f.size}
		switch {
		case i >= MaxOutputs:
			out.Omitted = OmittedCount
		case f.size > room:
			out.Omitted = OmittedSize
		default:
			if out.Data, err = readBeneath(dir, f.name, room); err != nil {
				out.Omitted = OmittedUnreadable
				break
			}
			sum := sha256.Sum256(out.Data)
			out.Size, out.SHA256 = int64(len(out.Data)), hex.EncodeToString(sum[:])
			room -= out.Size
		}
		if found = append(found, out); len(found) == maxNamed {
			break
		}
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
	patterns []string
	found    []foundFile
	left     int // entries that may still be looked at
}

// walk looks through a folder, whose descriptor it closes. What can't be opened has
// nothing in it.
func (w *outputWalk) walk(fd int, name string) error {
	dir := os.NewFile(uintptr(fd), "workspace")
	defer dir.Close()
	for w.left > 0 {
		entries, err := dir.ReadDir(256)
		if len(entries) == 0 {
			return unlessEOF(err)
		}
		w.left -= len(entries)
		for _, e := range entries {
			if err := w.see(fd, path.Join(name, e.Name()), e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *outputWalk) see(dir int, name string, e fs.DirEntry) error {
	switch {
	case e.IsDir() && strings.Count(name, "/") < walkDepth-1:
		fd, err := unix.Openat(dir, e.Name(), unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil //nolint:nilerr // closed by its program: nothing in it is asked for
		}
		return w.walk(fd, name)
	case e.Type().IsRegular() && slices.ContainsFunc(w.patterns, func(pattern string) bool { return MatchOutput(pattern, name) }):
		var st unix.Stat_t
		if err := unix.Fstatat(dir, e.Name(), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		w.found = append(w.found, foundFile{name, st.Size})
	}
	return nil
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
