package codecell_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Deadlines, waits and ages are differences of two readings of time.Now, which has the
// monotonic clock in it: they stay right when somebody sets the machine's clock. What
// takes that clock out of a time, or makes one without it, is named here (package time,
// "Monotonic Clocks"); each use of it is allowed one by one.
var (
	wallClock = map[string]bool{
		"UTC": true, "Local": true, "In": true, "AddDate": true, "Date": true,
		"Unix": true, "UnixMilli": true, "UnixMicro": true, "UnixNano": true, "ModTime": true, "ParseInLocation": true,
		"Round(0)": true, "Truncate(0)": true,
	}
	wallClockUses = map[string]string{
		"function/auth.go ModTime": "a file's own time; believed for 10 s of the monotonic clock at most",
	}
)

func TestNoDeadlineByTheWallClock(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	files := 0
	for _, dir := range []string{"cmd", "function", "sandbox"} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, name := range wallClockCalls(file) {
				use := filepath.ToSlash(path) + " " + name
				if used[use] = true; wallClockUses[use] == "" {
					t.Errorf("%s: it has no monotonic clock. Measure without it, or say here why it does no harm", use)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for use := range wallClockUses {
		if !used[use] {
			t.Errorf("%s is allowed, but not used", use)
		}
	}
	if files < 50 {
		t.Errorf("looked at %d files only", files)
	}
}

// wallClockCalls names the calls in a file whose method is one of wallClock's.
func wallClockCalls(file *ast.File) (names []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name := method.Sel.Name
			if len(call.Args) == 1 {
				if zero, ok := call.Args[0].(*ast.BasicLit); ok && zero.Value == "0" {
					name += "(0)" // any other rounds a duration
				}
			}
			if wallClock[name] || wallClock[method.Sel.Name] {
				names = append(names, name)
			}
		}
		return true
	})
	return names
}

// The Python side has no deadline of its own, and never asks what time of day it is, but
// for a program that gives a file the time of now.
func TestPythonSideHasNoClock(t *testing.T) {
	t.Parallel()
	clock := regexp.MustCompile(`(?m)^\s*(import|from)\s+(datetime|sched)\b|^\s*from\s+time\s+import\s+time|\btime\.(time|localtime|gmtime)(_ns)?\b|CLOCK_REALTIME`)
	if !clock.MatchString("    start = time.time_ns()\n") {
		t.Fatal("the expression matches nothing")
	}
	files, err := filepath.Glob("sandbox/zygote/*.py")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "test_") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) == "workplace.py" {
			text = bytes.Replace(text, []byte("ns = (time.time_ns(),) * 2"), nil, 1)
		}
		if found := clock.Find(text); found != nil {
			t.Errorf("%s: %q", file, found)
		}
	}
}
