package sandbox

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// runWith runs a program with what it is started with.
func runWith(t *testing.T, s *Sandbox, job Job) Result {
	t.Helper()
	job.Limits.Timeout = longest
	res, err := s.Run(t.Context(), job)
	if err != nil {
		t.Fatalf("%v\n%s", err, job.Code)
	}
	return res
}

func TestStdin(t *testing.T) {
	t.Parallel()
	s := sharedSandbox(t)
	for _, c := range []struct {
		name, code string
		stdin      io.Reader
		stdout     string
	}{
		{"lines", "print(input(), input())\ntry: input()\nexcept EOFError: print('end')", strings.NewReader("a\nb"), "a b\nend\n"},
		{"a mebibyte", "import sys\nprint(len(sys.stdin.read()), repr(sys.stdin.read()))", strings.NewReader(strings.Repeat("x", 1<<20)), "1048576 ''\n"},
		{"bytes", "import sys\nprint(sys.stdin.buffer.read())", strings.NewReader("\xff\x00\n"), "b'\\xff\\x00\\n'\n"},
		{"as text", "import sys\nprint(ascii(sys.stdin.read()))", strings.NewReader("é\xff"), "'\\xe9\\udcff'\n"},
		{"iterated", "import sys\nfor line in sys.stdin: print(repr(line))", strings.NewReader("a\n\nb"), "'a\\n'\n'\\n'\n'b'\n"},
		{"a pipe", "import sys\nprint(sys.stdin.seekable(), sys.stdin.isatty(), sys.stdin.readable())", strings.NewReader("x"), "False False True\n"},
		{"not read", "print(1)", strings.NewReader(strings.Repeat("x", 1<<20)), "1\n"},
		{"closed", "import os\nos.close(0)\nprint(1)", strings.NewReader(strings.Repeat("x", 1<<20)), "1\n"},
		{"none", "import sys\nprint(repr(sys.stdin.read()))", nil, "''\n"},
		{"fails", "import sys\nprint(sys.stdin.read())", io.MultiReader(strings.NewReader("a"), failingReader{}), "a\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := runWith(t, s, Job{Code: c.code, Stdin: c.stdin})
			if got := string(res.Stdout.Data); got != c.stdout || res.Outcome != OutcomeOK {
				t.Errorf("%s: got %q %q, want %q", res.Outcome, got, res.Stderr.Data, c.stdout)
			}
		})
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("no more") }

// A source that blocks holds neither the program nor its end.
func TestStdinThatBlocks(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	res := runWith(t, sharedSandbox(t), Job{Code: "print(1)", Stdin: r})
	if got := string(res.Stdout.Data); got != "1\n" {
		t.Errorf("got %q %q", got, res.Stderr.Data)
	}
}

func TestArgsAndEnv(t *testing.T) {
	t.Parallel()
	s := start(t, func(p *Profile, cfg *Config) {
		small(p, cfg)
		p.Env = []string{"DEBUG", "APP_*", "TZ"}
	})
	const show = "import os, sys\nprint(sys.argv, sorted((k, v) for k, v in os.environ.items() if k == 'DEBUG' or k[:4] == 'APP_'))"
	if got, want := string(runWith(t, s, Job{
		Code: show, Args: []string{"", "-v", "é b\n"}, Env: []string{"DEBUG=", "APP_A==1"},
	}).Stdout.Data), "['main.py', '', '-v', 'é b\\n'] [('APP_A', '=1'), ('DEBUG', '')]\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	// Nothing of it is there for the next.
	if got, want := string(runWith(t, s, Job{Code: show}).Stdout.Data), "['main.py'] []\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := string(runWith(t, s, Job{
		Code: "import time\nprint(time.localtime(0).tm_hour)", Env: []string{"TZ=XYZ-5"},
	}).Stdout.Data), "5\n"; got != want {
		t.Errorf("TZ: got %q, want %q", got, want)
	}
	for _, bad := range []Job{
		{Env: []string{"PATH=/"}}, {Env: []string{"DEBUG"}}, {Env: []string{"=x"}}, {Env: []string{"DEBUG=\x00"}}, {Args: []string{"a\x00b"}},
	} {
		bad.Code = show
		if res, err := s.Run(t.Context(), bad); err == nil {
			t.Errorf("%+v was run: %s", bad, res.Stdout.Data)
		}
	}
}

// What is kept is told as it comes, whole and never more.
func TestFollow(t *testing.T) {
	t.Parallel()
	type told struct {
		stream Stream
		kept   string
	}
	heard := make(chan told, 1000)
	r, w := io.Pipe()
	defer w.Close()
	done := make(chan Result, 1)
	go func() {
		res, err := sharedSandbox(t).Run(t.Context(), Job{
			Code:   "import sys\nprint('a')\ninput()\nprint('b', file=sys.stderr)\ninput()\nprint('x' * 100_000)",
			Stdin:  r,
			Follow: func(s Stream, kept []byte) { heard <- told{s, string(kept)} },
		})
		if err != nil {
			t.Error(err)
		}
		done <- res
	}()
	for _, want := range []told{{Stdout, "a\n"}, {Stderr, "b\n"}} {
		select {
		case got := <-heard:
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("nothing was told while the program waits")
		}
		if _, err := io.WriteString(w, "\n"); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Fatal(err)
		}
	}
	res := <-done
	close(heard)
	last := "a\n"
	for got := range heard {
		if got.stream != Stdout || !strings.HasPrefix(got.kept, last) || len(got.kept) == len(last) {
			t.Fatalf("%s: %d bytes after %d", got.stream, len(got.kept), len(last))
		}
		last = got.kept
	}
	if last != string(res.Stdout.Data) || len(last) != CaptureLimit {
		t.Errorf("told %d bytes, kept %d", len(last), len(res.Stdout.Data))
	}
}
