//go:build linux

package contract

// Programs that end badly, never, or not as the interpreter has it.
var badActs = []badProgram{
	{name: "never ends", code: "print('begun')\nwhile True: pass", timeout: short, want: killedAtDeadline("begun\n")},
	{name: "sleeps", code: "import time\nprint('begun')\ntime.sleep(100)", timeout: short, want: killedAtDeadline("begun\n")},
	{name: "ignores every signal", code: ignoring + "print('begun')\nwhile True: pass", timeout: short, want: killedAtDeadline("begun\n")},
	{name: "catches everything", code: "while True:\n try:\n  while True: raise KeyboardInterrupt\n except BaseException: pass", timeout: short, want: killedAtDeadline("")},
	{name: "one long instruction", code: "print('begun')\n10 ** 10 ** 9", timeout: short, want: killedAtDeadline("begun\n")},
	{
		name: "binary without end", timeout: short,
		code: "import os\nb = bytes(range(256)) * 16\nwhile True:\n os.write(1, b)\n os.write(2, b)",
		want: ending{
			status: 200, outcome: "timeout", exit: -9, cutStdout: true, cutStderr: true, stdout: "\x00\x01\x02…\n[output truncated at 50 KB]",
			stderr: "\x00\x01\x02…\n[output truncated at 50 KB]\nExecution timed out after 0.5s",
		},
	},

	{name: "exits with output pending", code: "import sys\nsys.stdout.write('a')\nsys.stderr.write('b')\nsys.exit(3)", want: failed(3, "a", "b")},
	{name: "exits with work pending", code: "import atexit\natexit.register(print, 'last')\nexit()", want: well("last\n")},
	{name: "work that never ends", code: "import atexit, time\natexit.register(time.sleep, 100)\nprint('end')", timeout: short, want: killedAtDeadline("end\n")},
	{name: "work that fails", code: "import atexit\natexit.register(lambda: 1/0)\nprint('end')", want: ending{status: 200, outcome: "ok", stdout: "end\n", stderr: "…ZeroDivisionError: division by zero\n"}},
	{name: "object that never ends", code: "class A:\n def __del__(self):\n  while True: pass\na = A()\nprint('end')", timeout: short, want: killedAtDeadline("end\n")},
	{name: "os._exit", code: "import os, sys\nprint('a')\nsys.stdout.write('lost')\nos._exit(7)", want: failed(7, "a\n", "")},
	{name: "os.abort", code: "import os\nprint('a')\nos.abort()", want: crashed(6, "a\n", "")},
	{name: "reads address 0", code: "import faulthandler\nprint('a')\nfaulthandler._read_null()", want: crashed(11, "a\n", "")},
	{name: "exits with a huge number", code: "import sys\nsys.exit(2 ** 100)", want: failed(255, "", "")},
	{name: "exits with a lying number", code: "import sys\nclass I(int):\n def __and__(self, other): return 'x'\nsys.exit(I(3))", want: failed(3, "", "")},
	{name: "exits with an evil object", code: "import sys\nclass E:\n def __str__(self): 1/0\nsys.exit(E())", want: failed(1, "", "\n")},
	{name: "exits with an evil code", code: "import atexit\natexit.register(print, 'last')\nclass E(SystemExit):\n code = property(lambda self: 1/0)\nraise E('text')", want: failed(1, "last\n", "text\n")},

	{name: "recurses for ever", code: "def f(): f()\nf()", want: failed(1, "", "…RecursionError: maximum recursion depth exceeded\n")},
	{name: "recurses and catches", code: "def f():\n try: f()\n finally: f()\nf()", timeout: short, want: killedAtDeadline("")},
	{
		name: "recurses without limit", // beyond the C stack; since 3.12 that has a limit which no program sets
		code: "import sys, faulthandler\nsys.setrecursionlimit(2**31 - 1)\nl = []\nfor _ in range(10**6): l = [l]\nprint('deep')\ntry: repr(l)\nexcept RecursionError: faulthandler._read_null()",
		want: crashed(11, "deep\n", ""),
	},
	{name: "allocates for ever", memory: 64, code: "l = []\nwhile True: l.append(bytes(1 << 20))", want: outOfMemory("", "…\nMemoryError\n")},
	{name: "allocates at once", memory: 64, code: "print('a')\nx = bytes(1 << 40)", want: outOfMemory("a\n", "…\nMemoryError\n")},
	{name: "allocates and catches", memory: 64, timeout: short, code: "l = []\nwhile True:\n try: l.append(bytes(1 << 20))\n except MemoryError: pass", want: killedAtDeadline("")},
	{name: "small objects for ever", memory: 64, code: "l = []\nwhile True: l.append([])", want: outOfMemory("", "…MemoryError\n")},

	{name: "str fails", code: "class E(Exception):\n def __str__(self): 1/0\nraise E", want: failed(1, "", "…\nE: <exception str() failed>\n")},
	{name: "str exits", code: "class E(Exception):\n def __str__(self): exit(5)\nraise E", want: failed(1, "", "…\nE: <exception str() failed>\n")},
	{name: "str never ends", code: "class E(Exception):\n def __str__(self):\n  while True: pass\nraise E", timeout: short, want: killedAtDeadline("")},
	{name: "str recurses", code: "class E(Exception):\n def __str__(self): return str(self)\nraise E", want: failed(1, "", "…\nE: <exception str() failed>\n")},
	{name: "str is none", code: "class E(Exception):\n def __str__(self): return 5\nraise E", want: failed(1, "", "…\nE: <exception str() failed>\n")},
	{name: "repr fails", code: "class E(Exception):\n def __repr__(self): 1/0\nraise E(E(), 1)", want: failed(1, "", "…\nE: <exception str() failed>\n")},
	{name: "module's name fails", code: "class M:\n def __str__(self): 1/0\n __eq__ = __hash__ = None\nclass E(Exception): __module__ = M()\nraise E", want: failed(1, "", "…")},
	{name: "traceback fails", code: "import atexit\natexit.register(print, 'last')\nclass E(Exception): __traceback__ = property(lambda self: 1/0)\nraise E('a')", want: failed(1, "last\n", "…\n    raise E('a')\nE: a\n")},
	{name: "cause is itself", code: "e = ValueError('a')\ne.__cause__ = e\nraise e", want: failed(1, "", "…\nValueError: a\n")},
	{name: "excepthook fails", code: "import sys\ndef hook(*a): sys.nothing\nsys.excepthook = hook\nraise ValueError('a')", want: failed(1, "", "Error in sys.excepthook:\nTraceback (most recent call last):\n  File \"main.py\", line 2, in hook\n…\n\nOriginal exception was:\nTraceback (most recent call last):\n  File \"main.py\", line 4, in <module>\n    raise ValueError('a')\nValueError: a\n")},
	{name: "excepthook exits", code: "import sys\nsys.excepthook = lambda *a: sys.exit(9)\nraise ValueError('a')", want: failed(9, "", "")},
	{name: "excepthook is gone", code: "import sys\ndel sys.excepthook\nraise ValueError('a')", want: failed(1, "", "Error in sys.excepthook:\nAttributeError: module 'sys' has no attribute 'excepthook'…\nOriginal exception was:\nTraceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    raise ValueError('a')\nValueError: a\n")},
	{name: "excepthook is a number", code: "import sys\nsys.excepthook = 5\nraise ValueError('a')", want: failed(1, "", "Error in sys.excepthook:\nTypeError: 'int' object is not callable\n\nOriginal exception was:\n…ValueError: a\n")},
	{name: "excepthook never ends", code: "import sys\ndef hook(*a):\n while True: pass\nsys.excepthook = hook\n1/0", timeout: short, want: killedAtDeadline("")},

	{name: "stdout is a number", code: "import sys\nsys.stdout = 5\nprint('a')", want: failed(1, "", "…AttributeError: 'int' object has no attribute 'write'\n")},
	{name: "stdout is None", code: "import sys\nprint('a')\nsys.stdout = None\nprint('b')", want: well("a\n")},
	{name: "stdout is gone", code: "import sys, atexit\natexit.register(lambda: sys.__stdout__.write('last'))\nprint('a')\ndel sys.stdout", want: well("a\nlast")},
	{name: "stderr is gone", code: "import sys, atexit\natexit.register(print, 'last')\ndel sys.stderr\n1/0", want: failed(1, "last\n", "ZeroDivisionError\n")},
	{name: "stdout never ends", code: "import sys\nclass S:\n closed = False\n def flush(self):\n  while True: pass\nsys.stdout = S()", timeout: short, want: killedAtDeadline("")},
	{name: "sys.exit replaced", code: "import sys\nsys.exit = print\nsys.exit(3)\nprint('on')", want: well("3\non\n")},
	{name: "os._exit replaced", code: "import os\nos._exit = print\nprint('on')", want: well("on\n")},
	{name: "modules gone", code: "import sys\nsys.modules.clear()\nprint('on')", want: well("on\n")},
	{name: "modules replaced", code: "import sys, atexit\natexit.register(print, 'last')\nsys.modules = None\nprint('on')", want: well("on\nlast\n")},
	{name: "builtins replaced", code: "import builtins\np = print\nbuiltins.print = builtins.isinstance = builtins.getattr = None\np('on')", want: well("on\n")},
	{name: "builtins gone", code: "import builtins\np = print\nbuiltins.__dict__.clear()\np('on')", want: well("on\n")},
	{name: "builtins gone, then fails", code: "import builtins\nbuiltins.__dict__.clear()\n1/0", want: failed(1, "", "")},
	{name: "audit hook refuses all", code: "import sys\ndef hook(*a): raise ValueError\nsys.addaudithook(hook)\nprint('on')", want: well("on\n")},
	{name: "trace fails", code: "import sys\ndef hook(*a): 1/0\nsys.settrace(hook)\nprint('on')", want: well("on\n")},
	{name: "run.py replaced", code: "import sys\nf = sys._getframe(1)\nf.f_globals.clear()\nprint('on')", want: failed(1, "on\n", "")},
}

// ignoring begins a program that no signal but SIGKILL and SIGSTOP can end.
const ignoring = `import _signal
for s in range(1, 65):
    try: _signal.signal(s, _signal.SIG_IGN)
    except (OSError, ValueError): pass
`

func outOfMemory(stdout, stderr string) ending {
	return ending{status: 200, outcome: "memory_limit", exit: 1, stdout: stdout, stderr: stderr}
}
