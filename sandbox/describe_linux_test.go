package sandbox

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goodDescription is an answer that is believed; tests edit it.
const goodDescription = `{"implementation":"cpython","version":[3,11,2],"abi_flags":"","executable":"/usr/bin/python3.11",` +
	`"prefix":"/usr","standard_library":["/usr/lib/python3.11"],"missing":[],"jit":false,"libraries":["/usr/lib/libm.so.6"]}` + "\n"

func TestParseDescription(t *testing.T) {
	d, err := parseDescription([]byte(goodDescription))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.unfit(); err != nil || d.note() != "" || d.versionString() != "3.11.2" {
		t.Errorf("version %s: unfit %v, note %q", d.versionString(), err, d.note())
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{"not JSON", "{", "", "can't be read"},
		{"two answers", "\n", "{}", "more than one line"},
		{"unknown field", `"jit":false`, `"jit":false,"x":1`, "unknown field"},
		{"version too short", "[3,11,2]", "[3,11]", "version [3 11]"},
		{"version below zero", "[3,11,2]", "[3,-11,2]", "version [3 -11 2]"},
		{"version of letters", "[3,11,2]", `["3",11,2]`, "can't be read"},
		{"no standard library", `["/usr/lib/python3.11"]`, "[]", "no standard library"},
		{"no executable", `"/usr/bin/python3.11"`, `""`, `path ""`},
		{"relative executable", `"/usr/bin/python3.11"`, `"bin/python3"`, `path "bin/python3"`},
		{"dots", `"/usr/bin/python3.11"`, `"/usr/../bin/python3"`, `path "/usr/../bin/python3"`},
		{"trailing slash", `"/usr"`, `"/usr/"`, `path "/usr/"`},
		{"NUL", `"/usr"`, `"/usr\u0000"`, `path "/usr\x00"`},
		{"newline", `"/usr/lib/libm.so.6"`, `"/usr/lib/\nx.so"`, `path "/usr/lib/\nx.so"`},
		{"long path", `"/usr"`, `"/` + strings.Repeat("x", 5000) + `"`, `path "/xxx`},
		{"many paths", `["/usr/lib/libm.so.6"]`, `["/a"` + strings.Repeat(`,"/a"`, describePaths) + "]", "more than 256 paths"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(goodDescription, tt.old) < 1 {
				t.Fatalf("%q is not in goodDescription", tt.old)
			}
			d, err := parseDescription([]byte(strings.Replace(goodDescription, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, error %v, want %q", d, err, tt.want)
			}
		})
	}
}

func TestUnfit(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"another Python", `"cpython"`, `"pypy"`, `it is "pypy", not CPython`},
		{"old", "[3,11,2]", "[3,10,13]", "it is Python 3.10.13: 3.11 is the oldest that works"},
		{"very old", "[3,11,2]", "[2,7,18]", "it is Python 2.7.18: 3.11 is"},
		{"next", "[3,11,2]", "[4,0,0]", "it is Python 4.0.0: 3.11 is"},
		{"free-threaded", `"abi_flags":""`, `"abi_flags":"td"`, "free-threaded"},
		{"JIT", `"jit":false`, `"jit":true`, "JIT compiler"},
		{"no ctypes", `"missing":[]`, `"missing":["_ctypes (No module named '_ctypes')"]`, "it lacks modules that the jail is entered with: _ctypes (No module"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := parseDescription([]byte(strings.Replace(goodDescription, tt.old, tt.new, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.unfit(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	newer, err := parseDescription([]byte(strings.Replace(goodDescription, "[3,11,2]", "[3,19,0]", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := newer.unfit(); err != nil || !strings.Contains(newer.note(), "3.19.0 is newer than the newest that was tested") {
		t.Errorf("newer than tested: unfit %v, note %q", err, newer.note())
	}
}

// What an answer can make readable: never a directory that holds other people's files.
func TestLibraryPaths(t *testing.T) {
	d := description{Libraries: []string{
		"/usr/lib/x86_64-linux-gnu/libm.so.6",
		"/lib/ld-musl-x86_64.so.1",
		"/opt/python/lib/libpython3.13.so.1.0",
		"/usr/lib/python3/_ctypes.cpython-311-x86_64-linux-gnu.so",
		"/usr/lib/x86_64-linux-gnu/libz.so.1 (deleted)",
		"/usr/lib/locale/C.utf8/LC_CTYPE",
		"/usr/lib/locale/C.utf8/old (deleted)",
		"/usr/bin/python3.11",
		"/libx.so",
		"/etc/libx.so",
		"/home/someone/libx.so",
		"/home/someone/.pyenv/lib/libpython3.13.so",
		"/opt/libx.so",
		"/etc/shadow",
		"/dev/zero",
		"/memfd:x (deleted)",
	}}
	want := []string{
		"/usr/lib/x86_64-linux-gnu", "/lib", "/opt/python/lib", "/usr/lib/python3", "/usr/lib/x86_64-linux-gnu",
		"/usr/lib/locale/C.utf8/LC_CTYPE", "/libx.so", "/etc/libx.so", "/home/someone/libx.so",
		"/home/someone/.pyenv/lib", "/opt/libx.so",
	}
	if got := d.libraryPaths(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestInterpreterRefusesWidePaths(t *testing.T) {
	s, py := requirePython(t)
	d := description{
		Implementation: "cpython", Version: []int{3, 11, 2}, Executable: py.Path, Prefix: py.Prefix,
		StandardLibrary: []string{filepath.Dir(py.ReadOnlyPaths[0])},
	}
	for _, dir := range []string{"/", "/etc", "/proc/self", "/usr", "/usr/bin", "/tmp"} {
		d.StandardLibrary = []string{dir}
		if _, err := s.interpreter(d); err == nil {
			t.Errorf("%s as standard library: accepted", dir)
		}
	}
}

func TestWithoutNested(t *testing.T) {
	got := withoutNested([]string{"/b/c", "/a", "/b", "/a/b/c", "/ab", "/b", "/a/b"})
	if want := []string{"/a", "/ab", "/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestELFInterpreter(t *testing.T) {
	_, py := requirePython(t)
	loader, err := elfInterpreter(py.Path)
	if err != nil {
		t.Fatal(err)
	}
	if loader != "" {
		if resolved, err := filepath.EvalSymlinks(loader); err != nil || !slices.Contains(py.Exec, resolved) {
			t.Errorf("loader %s (%s, %v) is not among %q", loader, resolved, err, py.Exec)
		}
	}
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := elfInterpreter(file); err == nil || !strings.Contains(err.Error(), "is not an ELF executable") {
		t.Errorf("a script: error %v", err)
	}
}

// FuzzParseDescription: a description that is believed names nothing but absolute,
// clean paths, and never makes a system's directory readable.
func FuzzParseDescription(f *testing.F) {
	f.Add([]byte(goodDescription))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDescription(data)
		if err != nil {
			return
		}
		for _, path := range slices.Concat([]string{d.Executable, d.Prefix}, d.StandardLibrary, d.libraryPaths()) {
			if filepath.Clean(path) != path || !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
				t.Errorf("path %q", path)
			}
		}
		for _, dir := range []string{"/", "/etc", "/root", "/home"} {
			if slices.Contains(d.libraryPaths(), dir) {
				t.Errorf("%s is readable", dir)
			}
		}
		if len(d.versionString()) > len("999.999.999") {
			t.Errorf("version %q", d.versionString())
		}
		_, _ = d.unfit(), d.note()
	})
}
