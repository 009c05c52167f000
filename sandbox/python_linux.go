package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Interpreter is the Python that runs the programs, and what the jail must leave
// it. All paths are absolute, without symbolic links in them, and can be reached
// by the user that the jail runs as.
type Interpreter struct {
	Path    string // the executable itself: no shim, no link
	Version string // for example "3.11.2"
	Prefix  string // where it is installed, for example "/usr"
	// Note is a caution for people, mostly empty.
	Note string
	// ReadOnlyPaths are the directories (with all beneath them) and single files that must stay
	// readable: the standard library, the directories of the shared objects that it
	// maps, and everything in Exec, since executing a file takes the right to read it too.
	ReadOnlyPaths []string
	// Exec are the files that must stay executable: Path and its ELF interpreter.
	Exec []string
	// Packages are the directories of what is installed beside it, in the order of its
	// search. They are in ReadOnlyPaths.
	Packages []string
	// Passed are the interpreters that were considered before this one.
	Passed []PassedOver
}

// PassedOver is an interpreter that was not chosen.
type PassedOver struct{ Path, Why string }

func (p PassedOver) String() string { return p.Path + ": " + p.Why }

// Where an interpreter usually is when PATH does not say.
var usualPythons = []string{"/usr/local/bin/python3", "/usr/bin/python3"}

// findPython returns the interpreter to run programs with: the explicit one, or
// else the first that works of every python3 on PATH and then usualPythons.
//
// It must work for the jail's user and no group beside jailGID. An explicit one
// that does not work is an error; nothing else is tried. With it comes what the profile
// wants to be read beside its own files.
func findPython(ctx context.Context, explicit string, jailUID, jailGID int, prof *Profile) (Interpreter, error) {
	s := pythonSearch{
		packages: prof.Packages, read: prof.Read,
		reach: reach{uid: jailUID, gid: jailGID, lookup: lookup},
		// A version manager's shim needs both to find its interpreter.
		path: os.Getenv("PATH"), //nolint:forbidigo // where commands are found is the process's own business, not configuration
		home: os.Getenv("HOME"), //nolint:forbidigo // as above
	}
	return s.find(ctx, explicit, usualPythons)
}

// pythonSearch is one search for an interpreter.
type pythonSearch struct {
	reach      reach
	path, home string
	packages   bool     // are wanted, too
	read       []string // more paths that are wanted, where they are there
}

func (s pythonSearch) find(ctx context.Context, explicit string, usual []string) (Interpreter, error) {
	if explicit != "" {
		candidate, err := s.command(explicit)
		if err != nil {
			return Interpreter{}, fmt.Errorf("the interpreter asked for: %w", err)
		}
		py, err := s.examine(ctx, candidate)
		if err != nil {
			return Interpreter{}, fmt.Errorf("the interpreter asked for does not work in the jail: %s: %w", candidate, err)
		}
		return py, nil
	}
	var passed []PassedOver
	for _, candidate := range s.candidates(usual) {
		py, err := s.examine(ctx, candidate)
		if err == nil {
			py.Passed = passed
			return py, nil
		}
		if ctx.Err() != nil {
			return Interpreter{}, context.Cause(ctx)
		}
		passed = append(passed, PassedOver{candidate, err.Error()})
	}
	if len(passed) == 0 {
		return Interpreter{}, fmt.Errorf("no python3 on PATH, nor %s", strings.Join(usual, " or "))
	}
	why := make([]string, len(passed))
	for i, p := range passed {
		why[i] = p.String()
	}
	return Interpreter{}, fmt.Errorf("no python3 works in the jail: %s", strings.Join(why, "; "))
}

// command turns what a person wrote into an absolute path: a path, or a command on PATH.
func (s pythonSearch) command(name string) (string, error) {
	if strings.Contains(name, "/") {
		return filepath.Abs(name)
	}
	for _, dir := range s.searchPath() {
		if file := filepath.Join(dir, name); isCommand(file) {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// candidates are the interpreters to consider, in order, each file once however
// many names lead to it.
func (s pythonSearch) candidates(usual []string) []string {
	var files []string
	for _, dir := range s.searchPath() {
		files = append(files, filepath.Join(dir, "python3"))
	}
	files = append(files, usual...)
	seen := make(map[string]bool)
	return slices.DeleteFunc(files, func(file string) bool {
		if !isCommand(file) {
			return true
		}
		target, err := filepath.EvalSymlinks(file)
		if err != nil {
			target = file
		}
		again := seen[target]
		seen[target] = true
		return again
	})
}

// searchPath is PATH without its relative entries: what they mean depends on
// where the server was started.
func (s pythonSearch) searchPath() []string {
	return slices.DeleteFunc(filepath.SplitList(s.path), func(dir string) bool { return !filepath.IsAbs(dir) })
}

func isCommand(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// examine returns the interpreter behind a candidate, or why it can't be used.
func (s pythonSearch) examine(ctx context.Context, candidate string) (Interpreter, error) {
	// The cheap check first; it also gives the better sentence.
	target, err := s.reach.to(candidate, toRead|toExecute)
	if err != nil {
		return Interpreter{}, err
	}
	d, err := s.ask(ctx, candidate)
	if err != nil {
		return Interpreter{}, err
	}
	if d.Executable != target {
		// The candidate was a shim or a wrapper. The jail will execute what is behind it, without
		// it: so that is what has to answer.
		behind := d.Executable
		if _, err := s.reach.to(behind, toRead|toExecute); err != nil {
			return Interpreter{}, fmt.Errorf("it leads to %s: %w", behind, err)
		}
		if d, err = s.ask(ctx, behind); err != nil {
			return Interpreter{}, fmt.Errorf("it leads to %s: %w", behind, err)
		}
		if d.Executable != behind {
			return Interpreter{}, fmt.Errorf("it leads to %s, which leads on to %s", behind, d.Executable)
		}
	}
	if err := d.unfit(); err != nil {
		return Interpreter{}, err
	}
	return s.interpreter(d)
}

// interpreter turns a fit description into what the jail needs, after checking
// that the jail's user can reach all of it.
func (s pythonSearch) interpreter(d description) (Interpreter, error) {
	py := Interpreter{Path: d.Executable, Version: d.versionString(), Prefix: d.Prefix, Note: d.note()}
	loader, err := elfInterpreter(d.Executable)
	if err != nil {
		return Interpreter{}, err
	}
	py.Exec = []string{d.Executable}
	if loader != "" {
		if loader, err = s.reach.to(loader, toRead|toExecute); err != nil {
			return Interpreter{}, err
		}
		py.Exec = append(py.Exec, loader)
	}
	py.Packages = d.Packages
	needed := slices.Concat(d.StandardLibrary, d.libraryPaths(), py.Exec, py.Packages)
	for i, path := range needed {
		if needed[i], err = s.reach.to(path, toRead); err != nil {
			return Interpreter{}, err
		}
		if tooWide(needed[i]) {
			return Interpreter{}, fmt.Errorf("it wants all of %s readable", needed[i])
		}
	}
	for _, path := range slices.Concat(optionalPaths, s.read) {
		resolved, err := s.reach.to(path, toRead)
		switch {
		case err == nil:
			needed = append(needed, resolved)
		case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errReach):
			return Interpreter{}, err
		}
	}
	py.ReadOnlyPaths = withoutNested(needed)
	return py, nil
}

// optionalPaths are used where they are there: the dynamic loader's cache (glibc)
// and search path (musl), and the time zones.
var optionalPaths = []string{
	"/etc/ld.so.cache",
	"/etc/ld-musl-x86_64.path",
	"/etc/ld-musl-aarch64.path",
	"/usr/share/zoneinfo",
}

// withoutNested sorts paths and leaves out what lies beneath another one.
func withoutNested(paths []string) []string {
	slices.Sort(paths)
	var kept []string
	for _, path := range paths {
		nested := slices.ContainsFunc(kept, func(above string) bool {
			return beneath(path, above)
		})
		if !nested {
			kept = append(kept, path)
		}
	}
	return kept
}

// beneath reports whether path is dir or in it.
func beneath(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
