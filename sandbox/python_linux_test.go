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
	"testing"
	"time"

	"codecell/sandbox/internal/launch"
)

// requirePython returns a search as this process's own user, and an interpreter
// of the system's that works for it.
func requirePython(t *testing.T) (pythonSearch, Interpreter) {
	t.Helper()
	s := pythonSearch{
		reach: reach{uid: os.Geteuid(), gid: os.Getegid(), lookup: lookup},
		path:  os.Getenv("PATH"), home: os.Getenv("HOME"),
	}
	py, err := s.find(t.Context(), "", usualPythons)
	if err != nil {
		t.Skipf("want a python3 that works for this user, have none: %v", err)
	}
	return s, py
}

// requireRoot skips where files can't be made unreachable for one user and kept for another.
func requireRoot(t *testing.T) {
	t.Helper()
	if uid := os.Geteuid(); uid != 0 {
		t.Skipf("want uid 0, have %d", uid)
	}
}

// requireWorkspaces wants a kernel that can hold a program with files of its own.
func requireWorkspaces(t *testing.T) {
	t.Helper()
	if abi, err := launch.LandlockABI(); err != nil || abi < launch.LandlockWorkABI {
		t.Skipf("want Landlock of ABI %d or later, have %d (%v)", launch.LandlockWorkABI, abi, err)
	}
}

// requirePackages wants what the profile data-science imports, beside Debian's interpreter.
func requirePackages(t *testing.T) {
	t.Helper()
	const python = "/usr/bin/python3"
	out, err := exec.CommandContext(t.Context(), python, "-c", "import numpy, pandas, scipy, matplotlib, PIL").CombinedOutput()
	if err != nil {
		t.Skipf("want Debian's python3-numpy, python3-pandas, python3-scipy and python3-matplotlib: %v: %s", err, lastLine(out))
	}
}

// script writes an executable shell script called python3 in a directory of its own.
func script(t *testing.T, lines string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "python3")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+lines+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFindPython(t *testing.T) {
	_, py := requirePython(t)
	if !strings.HasPrefix(py.Version, "3.") || strings.Count(py.Version, ".") != 2 {
		t.Errorf("version %q", py.Version)
	}
	if len(py.Exec) == 0 || py.Exec[0] != py.Path {
		t.Errorf("exec %q does not begin with %s", py.Exec, py.Path)
	}
	for _, path := range slices.Concat([]string{py.Path}, py.Exec, py.ReadOnlyPaths) {
		if resolved, err := filepath.EvalSymlinks(path); err != nil || resolved != path {
			t.Errorf("%s resolves to %q: %v", path, resolved, err)
		}
	}
	if !slices.IsSorted(py.ReadOnlyPaths) {
		t.Errorf("not sorted: %q", py.ReadOnlyPaths)
	}
	minor := strings.Join(strings.Split(py.Version, ".")[:2], ".")
	for _, need := range slices.Concat(py.Exec, []string{filepath.Join(py.Prefix, "lib", "python"+minor, "os.py")}) {
		if !slices.ContainsFunc(py.ReadOnlyPaths, func(p string) bool { return need == p || strings.HasPrefix(need, p+"/") }) {
			t.Errorf("%s is not readable by %q", need, py.ReadOnlyPaths)
		}
	}
	for _, secret := range []string{"/", "/etc", "/etc/passwd", "/proc", "/home", "/root", "/tmp", "/var"} {
		if slices.Contains(py.ReadOnlyPaths, secret) {
			t.Errorf("%s is readable", secret)
		}
	}
}

func TestFindPythonExplicit(t *testing.T) {
	s, want := requirePython(t)
	py, err := s.find(t.Context(), want.Path, nil)
	if err != nil || py.Path != want.Path || len(py.Passed) != 0 {
		t.Fatalf("got %+v, %v", py, err)
	}
	s.path = "relative:" + filepath.Dir(want.Path)
	if py, err = s.find(t.Context(), filepath.Base(want.Path), nil); err != nil || py.Path != want.Path {
		t.Errorf("by its name on PATH: %+v, %v", py, err)
	}
	for _, name := range []string{"no-such-python", "/no/such/python"} {
		if _, err := s.find(t.Context(), name, []string{want.Path}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v: there is no falling back from an explicit one", name, err)
		}
	}
}

func TestFindPythonBehindAShim(t *testing.T) {
	s, want := requirePython(t)
	s.path = filepath.Dir(script(t, `exec `+want.Path+` "$@"`))
	py, err := s.find(t.Context(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if py.Path != want.Path || !slices.Equal(py.ReadOnlyPaths, want.ReadOnlyPaths) {
		t.Errorf("got %+v, want %+v", py, want)
	}
}

func TestFindPythonPassesOver(t *testing.T) {
	s, want := requirePython(t)
	for _, tt := range []struct{ name, script, why string }{
		{"fails", "echo first >&2; echo 'shim: python3: command not found' >&2; exit 127", `it does not start: exit status 127 ("shim: python3: command not found")`},
		{"says nothing", "exit 0", "its answer can't be read: EOF"},
		{"says something else", "echo hello", "its answer can't be read"},
		{"says too much", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "its answer is longer than 65536 bytes"},
		{"is killed", "kill -9 $$", "it does not start: signal: killed"},
		{
			"leads to what is no Python",
			`echo '{"version":[3,11,2],"executable":"/bin/sh","prefix":"/usr","standard_library":["/usr/lib"]}'`,
			"it leads to /bin/sh: ",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bad := script(t, tt.script)
			s := s
			s.path = filepath.Dir(bad)
			py, err := s.find(t.Context(), "", []string{want.Path})
			if err != nil {
				t.Fatal(err)
			}
			if py.Path != want.Path || len(py.Passed) != 1 || py.Passed[0].Path != bad {
				t.Fatalf("got %+v", py)
			}
			if !strings.Contains(py.Passed[0].Why, tt.why) {
				t.Errorf("passed over because %q, want %q", py.Passed[0].Why, tt.why)
			}
			if _, err = s.find(t.Context(), "", nil); err == nil || !strings.Contains(err.Error(), bad+": ") {
				t.Errorf("with nothing else: error %v", err)
			}
			if _, err = s.find(t.Context(), bad, []string{want.Path}); err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("explicit: error %v", err)
			}
		})
	}
}

func TestFindPythonNone(t *testing.T) {
	s := pythonSearch{path: t.TempDir()}
	_, err := s.find(t.Context(), "", []string{"/no/such/python3"})
	if err == nil || err.Error() != "no python3 on PATH, nor /no/such/python3" {
		t.Errorf("error %v", err)
	}
}

// A shim that hangs, in a child of its own, does not outlive the question.
func TestFindPythonHanging(t *testing.T) {
	s := pythonSearch{reach: reach{uid: os.Geteuid(), gid: os.Getegid(), lookup: lookup}, path: os.Getenv("PATH")}
	pids := filepath.Join(t.TempDir(), "pids")
	fifo := filepath.Join(t.TempDir(), "fifo")
	hanging := script(t, fmt.Sprintf("mkfifo %[2]s; (echo started >%[1]s; read x <%[2]s) & read y <%[2]s", pids, fifo))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cause := errors.New("the test has seen enough")
	go func() {
		for {
			if data, err := os.ReadFile(pids); err == nil && len(data) > 0 {
				cancel(cause)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	if _, err := s.find(ctx, hanging, nil); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	// The group is gone when nobody has the FIFO open: opening it to write without waiting is then ENXIO.
	deadline := time.Now().Add(10 * time.Second)
	for {
		f, err := os.OpenFile(fifo, os.O_WRONLY|0o4000 /* O_NONBLOCK */, 0)
		if err != nil {
			break
		}
		f.Close()
		if time.Now().After(deadline) {
			t.Fatal("the shim's child still reads its FIFO")
		}
	}
}

func TestCandidates(t *testing.T) {
	root := t.TempDir()
	place := func(dir string, mode os.FileMode) string {
		t.Helper()
		file := filepath.Join(root, dir, "python3")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	link := func(dir, target string) string {
		t.Helper()
		file := filepath.Join(root, dir, "python3")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, file); err != nil {
			t.Fatal(err)
		}
		return file
	}
	one, two := place("one", 0o755), place("two", 0o700)
	link("one-again", one)
	plain := place("plain", 0o644)
	broken := link("broken", filepath.Join(root, "nothing"))
	if err := os.MkdirAll(filepath.Join(root, "directory", "python3"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	s := pythonSearch{path: strings.Join([]string{
		"", "two", // relative: what they mean depends on the working directory
		filepath.Dir(plain), filepath.Dir(broken), filepath.Join(root, "directory"), filepath.Join(root, "absent"),
		filepath.Join(root, "one-again"), filepath.Dir(one), filepath.Dir(two),
	}, ":")}
	want := []string{filepath.Join(root, "one-again", "python3"), two}
	if got := s.candidates([]string{one, two}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.path = ""
	if got := s.candidates([]string{two, one}); !slices.Equal(got, []string{two, one}) {
		t.Errorf("without PATH: %q", got)
	}
}

// What the server's user can reach, the jail's may not: as with a version manager
// in root's home.
func TestFindPythonOutOfReach(t *testing.T) {
	requireRoot(t)
	s, _ := requirePython(t)
	const uid = 65533
	s.reach.uid, s.reach.gid = uid, uid
	s.path = "/usr/bin"
	want, err := s.find(t.Context(), "", usualPythons)
	if err != nil {
		t.Skipf("want a python3 in /usr/bin that works for uid %d, have none: %v", uid, err)
	}
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	shims := filepath.Join(home, "shims")
	if err := os.Mkdir(shims, 0o755); err != nil {
		t.Fatal(err)
	}
	shim := filepath.Join(shims, "python3")
	if err := os.WriteFile(shim, []byte("#!/bin/sh\nexec "+want.Path+" \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	// t.TempDir itself is below a directory that only its owner enters.
	sentence := fmt.Sprintf("user %d can't enter %s", uid, filepath.Dir(home))
	s.path = shims
	py, err := s.find(t.Context(), "", []string{want.Path})
	if err != nil {
		t.Fatal(err)
	}
	if py.Path != want.Path || len(py.Passed) != 1 || !strings.HasPrefix(py.Passed[0].String(), shim+": "+sentence) {
		t.Errorf("chose %s, passed over %q; want %q", py.Path, py.Passed, sentence)
	}
	if _, err := s.find(t.Context(), shim, []string{want.Path}); err == nil || !strings.Contains(err.Error(), shim+": "+sentence) {
		t.Errorf("explicit: error %v, want %q", err, sentence)
	}
	// The control: for root itself the same shim works.
	s.reach.uid, s.reach.gid = 0, 0
	if py, err := s.find(t.Context(), shim, nil); err != nil || py.Path != want.Path {
		t.Errorf("as root: %+v, %v", py, err)
	}
}
