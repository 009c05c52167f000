//go:build linux

package sandbox

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

// start returns a sandbox with the profile, which edit may change first, for one test.
func start(t testing.TB, edit func(*Profile, *Config)) *Sandbox {
	t.Helper()
	profile, err := LoadProfile("minimal")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Profile: profile}
	if edit != nil {
		edit(profile, &cfg)
	}
	s, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// observe turns the policy into advice, so that a program meets the kernel.
func observe(p *Profile, _ *Config) {
	p.Policy.ASTScan.Mode = ModeObserve
	p.Policy.BlocklistAudit.Mode = ModeObserve
}

// shared is the sandbox of the tests that need nothing special.
var shared = sync.OnceValues(func() (*Sandbox, error) {
	profile, err := LoadProfile("minimal")
	if err != nil {
		return nil, err
	}
	profile.Policy.ASTScan.Mode = ModeObserve
	return New(context.Background(), Config{Profile: profile, Slots: 4})
})

func sharedSandbox(t testing.TB) *Sandbox {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustRun(t testing.TB, s *Sandbox, code string) Result {
	t.Helper()
	res, err := s.Run(t.Context(), Job{Code: code, Limits: Limits{Timeout: 5 * time.Second}})
	if err != nil {
		t.Fatalf("%v\n%s", err, code)
	}
	return res
}

func TestRunAsPythonDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, code     string
		stdout, stderr string
		exit           int
		outcome        Outcome
	}{
		{"prints", `print(42)`, "42\n", "", 0, OutcomeOK},
		{"is main", `print(__name__)`, "__main__\n", "", 0, OutcomeOK},
		{"two streams", "import sys\nprint('a')\nprint('b', file=sys.stderr)", "a\n", "b\n", 0, OutcomeOK},
		{"no newline", `print("x", end="")`, "x", "", 0, OutcomeOK},
		{"sys.exit", "import sys\nsys.exit(3)", "", "", 3, OutcomeFailed},
		{"sys.exit None", "import sys\nsys.exit()", "", "", 0, OutcomeOK},
		{"sys.exit text", "import sys\nsys.exit('bye')", "", "bye\n", 1, OutcomeFailed},
		{"sys.exit 256", "import sys\nsys.exit(256)", "", "", 0, OutcomeOK},
		{"exit", `exit(4)`, "", "", 4, OutcomeFailed},
		{"os._exit loses nothing that was flushed", "import os\nprint('a')\nos._exit(5)", "a\n", "", 5, OutcomeFailed},
		{"atexit", "import atexit\natexit.register(print, 'last')\nprint('first')", "first\nlast\n", "", 0, OutcomeOK},
		{
			"atexit after an exception", "import atexit\natexit.register(print, 'last')\n1/0", "last\n",
			"Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    1/0\n    ~^~\nZeroDivisionError: division by zero\n", 1, OutcomeFailed,
		},
		{"del at the end", "class A:\n def __del__(self): print('del')\na = A()\nprint('end')", "end\ndel\n", "", 0, OutcomeOK},
		{"generator at the end", "def g():\n try: yield\n finally: print('fin')\nx = g(); next(x)", "fin\n", "", 0, OutcomeOK},
		{"del after exit", "class A:\n def __del__(self): print('del')\na = A()\nexit(2)", "del\n", "", 2, OutcomeFailed},
		{"no stdin", "try: input()\nexcept EOFError: print('eof')", "eof\n", "", 0, OutcomeOK},
		{
			"keyboard interrupt", "raise KeyboardInterrupt", "",
			"Traceback (most recent call last):\n  File \"main.py\", line 1, in <module>\n    raise KeyboardInterrupt\nKeyboardInterrupt\n", -2, OutcomeCrashed,
		},
		{"kills itself", "import os\nos.kill(os.getpid(), 15)", "", "", -15, OutcomeCrashed},
		{"abort", "import os\nos.abort()", "", "", -6, OutcomeCrashed},
		{"excepthook", "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\n1/0", "hook ZeroDivisionError\n", "", 1, OutcomeFailed},
		{"closed stdout", "import sys\nsys.stdout.close()", "", "", 0, OutcomeOK},
		{"syntax error, observed", "x = (", "", "  File \"main.py\", line 1\n    x = (\n        ^\nSyntaxError: '(' was never closed\n", 1, OutcomeFailed},
		{"byte order mark", "\ufeffprint(1)", "1\n", "", 0, OutcomeOK},
		{"crlf", "x = 1\r\nprint(x)\r\n", "1\n", "", 0, OutcomeOK},
		{"named character", `print("\N{SNOWMAN}")`, "☃\n", "", 0, OutcomeOK},
		{"strptime", "from datetime import datetime\nprint(datetime.strptime('2020-01-02', '%Y-%m-%d').year)", "2020\n", "", 0, OutcomeOK},
		{
			"what is imported late", "from collections import Counter, UserDict\nfrom functools import singledispatch\n@singledispatch\ndef f(x): return 'f'\n" +
				"print(Counter('aab').most_common(1), UserDict(a=1).copy(), f(1), 'é'.encode('utf-16-le').decode('utf-16-le'), 'é'.encode('cp1252'))",
			"[('a', 2)] {'a': 1} f é b'\\xe9'\n", "", 0, OutcomeOK,
		},
		{"undecodable byte", `print("\udc80")`, "\x80\n", "", 0, OutcomeOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			res := mustRun(t, sharedSandbox(t), c.code)
			if got := string(res.Stdout.Data); got != c.stdout {
				t.Errorf("stdout %q, want %q", got, c.stdout)
			}
			if got := string(res.Stderr.Data); got != c.stderr {
				t.Errorf("stderr %q, want %q", got, c.stderr)
			}
			if res.ExitCode != c.exit || res.Outcome != c.outcome {
				t.Errorf("exit %d %s, want %d %s", res.ExitCode, res.Outcome, c.exit, c.outcome)
			}
		})
	}
}

func TestChainedTracebackHasOnlyTheProgramsLines(t *testing.T) {
	t.Parallel()
	res := mustRun(t, sharedSandbox(t), "def f():\n    return 1 / 0\ntry:\n    f()\nexcept ZeroDivisionError:\n    raise ValueError('bad')")
	got := string(res.Stderr.Data)
	for _, want := range []string{"line 4, in <module>\n    f()\n", "line 2, in f\n    return 1 / 0\n", "During handling", "line 6, in <module>\n    raise ValueError('bad')\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "codecell") {
		t.Errorf("a frame of ours in\n%s", got)
	}
}

func TestTimeoutKeepsWhatWasPrinted(t *testing.T) {
	t.Parallel()
	killed := 0
	res, err := sharedSandbox(t).Run(t.Context(), Job{
		Code:   "print('before')\nwhile True: pass",
		Limits: Limits{Timeout: 300 * time.Millisecond},
		Killed: func() { killed++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if string(res.Stdout.Data) != "before\n" || !res.TimedOut || res.ExitCode != -9 || res.Outcome != OutcomeTimeout {
		t.Errorf("%+v", res)
	}
	if killed != 1 {
		t.Errorf("Killed was called %d times", killed)
	}
	if res.Usage.Wall < 300*time.Millisecond || res.Usage.CPU == 0 || res.Usage.MaxRSS == 0 {
		t.Errorf("usage %+v", res.Usage)
	}
}

func TestMemoryLimitIsSaid(t *testing.T) {
	t.Parallel()
	res, err := sharedSandbox(t).Run(t.Context(), Job{
		Code:   "keep = []\nwhile True: keep.append(bytearray(1 << 20))",
		Limits: Limits{Memory: 128, Timeout: 10 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.Outcome != OutcomeMemoryLimit || !strings.HasSuffix(string(res.Stderr.Data), "MemoryError\n") {
		t.Errorf("%s, exit %d, stderr %q", res.Outcome, res.ExitCode, res.Stderr.Data)
	}
	if res.Usage.MaxRSS > 128<<10 {
		t.Errorf("a run with 128 MiB used %d KiB", res.Usage.MaxRSS)
	}
}

func TestOutputIsCappedAndDrained(t *testing.T) {
	t.Parallel()
	res := mustRun(t, sharedSandbox(t), "import sys\nfor _ in range(300):\n    print('x' * 1000)\nprint('y' * 200000, file=sys.stderr)\nsys.exit(7)")
	for name, out := range map[string]Output{"stdout": res.Stdout, "stderr": res.Stderr} {
		if len(out.Data) != CaptureLimit || !out.Truncated {
			t.Errorf("%s: %d bytes, truncated %t", name, len(out.Data), out.Truncated)
		}
	}
	if res.ExitCode != 7 {
		t.Errorf("exit %d: the program did not come to its end", res.ExitCode)
	}
}

func TestCancelledRunIsReapedBeforeRunReturns(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("client gone")
	_, err := sharedSandbox(t).Run(ctx, Job{
		Code: "print('started')\nwhile True: pass",
		// The program runs for certain once it has printed.
		Stdout: writerFunc(func([]byte) { cancel(gone) }),
	})
	if !errors.Is(err, gone) {
		t.Errorf("error %v, want the cause", err)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

func TestRunsAreFresh(t *testing.T) {
	t.Parallel()
	s := start(t, observe)
	seen := map[string]bool{}
	for range 5 {
		res := mustRun(t, s, "import random, builtins, math\nprint(random.random(), hasattr(builtins, 'leak'), hasattr(math, 'leak'))\nbuiltins.leak = math.leak = 1")
		fields := strings.Fields(string(res.Stdout.Data))
		if len(fields) != 3 || fields[1] != "False" || fields[2] != "False" {
			t.Fatalf("a run sees an earlier one: %q %q", res.Stdout.Data, res.Stderr.Data)
		}
		if seen[fields[0]] {
			t.Errorf("random number %s came twice", fields[0])
		}
		seen[fields[0]] = true
	}
}

func TestPolicyRefusesBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	_, err := s.Run(t.Context(), Job{Code: "print('ran')\nimport os\neval('1')\n().__class__.__bases__"})
	var policy *PolicyError
	if !errors.As(err, &policy) {
		t.Fatalf("error %v, want a *PolicyError", err)
	}
	want := []string{
		"Line 2: import of 'os' is not allowed (not in allowed imports)",
		"Line 3: use of 'eval' is not allowed",
		"Line 4: attribute '__bases__' is not allowed",
	}
	if strings.Join(policy.Violations, "\n") != strings.Join(want, "\n") {
		t.Errorf("violations %q", policy.Violations)
	}
	for code, want := range map[string]string{
		"x = (":                                "SyntaxError: '(' was never closed (line 1)",
		"return 1":                             "SyntaxError: 'return' outside function (line 1)",
		"x = '\x00'":                           "null byte",
		"-" + strings.Repeat("-", 20000) + "1": "SyntaxError",
		strings.Repeat("(", 100000):            "SyntaxError: too many nested parentheses",
	} {
		_, err := s.Run(t.Context(), Job{Code: code})
		if !errors.As(err, &policy) || len(policy.Violations) != 1 || !strings.Contains(policy.Violations[0], want) {
			t.Errorf("%.20q: %v %+v", code, err, policy)
		}
	}
}
