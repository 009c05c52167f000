"""Tests of policy.py: python3 -m unittest discover -s sandbox/zygote"""

from __future__ import annotations

import ast
import resource
import sys
import unittest
import warnings

import policy

SPEC = {
    "imports": ["math", "collections", "json", "re"],
    "ast_scan": {
        "mode": "enforce",
        "names": ["eval", "exec", "compile", "__import__", "open", "input"],
        "attributes": ["__globals__", "__code__", "gi_frame"],
    },
    "blocklist_audit": {"mode": "enforce", "entries": []},
}

BLOCKED = [
    {"module": "numpy", "attribute": "load"},
    {"module": "numpy", "attribute": "save"},
    {"module": "numpy.random", "attribute": "seed"},
    {"module": "xml", "attribute": "sax"},
]


def spec(scan: str = "enforce", audit: str = "enforce", entries: list | None = None, imports: list | None = None) -> dict:
    return {
        "imports": SPEC["imports"] if imports is None else imports,
        "ast_scan": dict(SPEC["ast_scan"], mode=scan),
        "blocklist_audit": {"mode": audit, "entries": entries or []},
    }


def violations(source: str, of: dict = SPEC) -> list[str]:
    return policy.violations(ast.parse(source), policy.Policy(of))


class Imports(unittest.TestCase):
    def test_table(self) -> None:
        refused = "Line 1: import of '%s' is not allowed (not in allowed imports)"
        relative = "Line 1: import of '%s' is not allowed (relative import)"
        for source, want in (
            ("import math", []),
            ("import math as eval_", []),
            ("import math, json", []),
            ("import collections.abc", []),
            ("from collections.abc import Mapping as M", []),
            ("from math import *", []),
            ("from __future__ import annotations", []),
            ("import os", [refused % "os"]),
            ("import os.path", [refused % "os.path"]),
            ("import os as math", [refused % "os"]),
            ("import math, os, sys", [refused % "os", refused % "sys"]),
            ("from os import path, sep", [refused % "os"]),
            ("from os.path import join", [refused % "os.path"]),
            ("from os import *", [refused % "os"]),
            ("import mathx", [refused % "mathx"]),
            ("import __future__", [refused % "__future__"]),
            ("from . import math", [relative % "."]),
            ("from .math import sin", [relative % ".math"]),
            ("from ..a.b import c", [relative % "..a.b"]),
        ):
            with self.subTest(source):
                self.assertEqual(violations(source), want)

    def test_line_is_the_statements(self) -> None:
        source = "x = 1\n\nimport os\ndef f():\n    from sys import (\n        argv,\n    )\n"
        self.assertEqual(
            violations(source),
            [
                "Line 3: import of 'os' is not allowed (not in allowed imports)",
                "Line 5: import of 'sys' is not allowed (not in allowed imports)",
            ],
        )


class Names(unittest.TestCase):
    def test_refused_wherever_read(self) -> None:
        for source in (
            "eval('1')",
            "f = eval",
            "[eval]",
            "{1: eval}",
            "print(f'{eval}')",
            "print(f'{1:{eval}}')",
            "lambda: eval",
            "@eval\nclass C: pass",
            "@eval\ndef f(): pass",
            "class C(eval): pass",
            "class C(metaclass=eval): pass",
            "def f(x=eval): pass",
            "def f(x: eval): pass",
            "def f() -> eval: pass",
            "x: eval = 1",
            "[x for x in y if eval]",
            "(yield_ := eval)",
            "assert x, eval",
            "x[eval:1]",
            "async def f():await eval",
            "try:raise eval\nfinally: pass",
            "with eval: pass",
            "print(*eval, **x)",
            "eval.x.y = 1",
            "input_ = 2 if eval else 3",
        ):
            with self.subTest(source):
                self.assertEqual(violations(source), ["Line 1: use of 'eval' is not allowed"])

    def test_fine(self) -> None:
        for source in (
            "re.compile('a')",
            "x.open().eval",
            "f(input=1)",
            "def f(input): return 1",
            "def compile(): pass",
            "input = 3",
            "for open in []: pass",
            "'eval'",
            "# eval",
            "import math as eval",
            "global eval",
            "evaluate(1)",
            "getattr(x, '__globals__')",
            "x.__name__, x.__dict__, x.__class__",
        ):
            with self.subTest(source):
                self.assertEqual(violations(source), [])

    def test_own_binding_is_refused_where_it_is_read(self) -> None:
        self.assertEqual(
            violations("def f(input):\n    return input\n"),
            ["Line 2: use of 'input' is not allowed"],
        )

    @unittest.skipIf(sys.version_info < (3, 10), "match statements came with Python 3.10")
    def test_match(self) -> None:
        self.assertEqual(
            violations("match x:\n    case eval(): pass\n    case open.y: pass\n    case {1: [math.pi, exec()]} if input: pass"),
            [
                "Line 2: use of 'eval' is not allowed",
                "Line 3: use of 'open' is not allowed",
                "Line 4: use of 'exec' is not allowed",
                "Line 4: use of 'input' is not allowed",
            ],
        )

    @unittest.skipIf(sys.version_info < (3, 12), "type parameters came with Python 3.12")
    def test_type_parameters(self) -> None:
        self.assertEqual(
            violations("type A[T: eval] = open\ndef f[T: exec](x: T): pass\nclass C[*T, **P](input): pass"),
            [
                "Line 1: use of 'eval' is not allowed",
                "Line 1: use of 'open' is not allowed",
                "Line 2: use of 'exec' is not allowed",
                "Line 3: use of 'input' is not allowed",
            ],
        )


class Attributes(unittest.TestCase):
    def test_table(self) -> None:
        for source, want in (
            ("f.__globals__", ["Line 1: attribute '__globals__' is not allowed"]),
            ("f.__globals__ = 1", ["Line 1: attribute '__globals__' is not allowed"]),
            ("del f.__globals__", ["Line 1: attribute '__globals__' is not allowed"]),
            ("f().x[0].__code__.y", ["Line 1: attribute '__code__' is not allowed"]),
            ("(x for x in y).gi_frame", ["Line 1: attribute 'gi_frame' is not allowed"]),
            ("__globals__", []),
            ("f(__globals__=1)", []),
            ("(a\n .b\n .__code__\n .c)", ["Line 3: attribute '__code__' is not allowed"]),
        ):
            with self.subTest(source):
                self.assertEqual(violations(source), want)

    @unittest.skipIf(sys.version_info < (3, 10), "match statements came with Python 3.10")
    def test_class_pattern_reads_attributes(self) -> None:
        self.assertEqual(
            violations("match f:\n    case object(__name__=n, __globals__=g): pass"),
            ["Line 2: attribute '__globals__' is not allowed"],
        )


class Report(unittest.TestCase):
    def test_all_in_the_order_of_the_source_without_repetitions(self) -> None:
        source = (
            "@exec\n"
            "def f(x=open): eval(eval(1)).__code__\n"
            "import os\n"
            "a = open if eval else exec\n"
        )
        self.assertEqual(
            violations(source),
            [
                "Line 1: use of 'exec' is not allowed",
                "Line 2: use of 'open' is not allowed",
                "Line 2: use of 'eval' is not allowed",
                "Line 2: attribute '__code__' is not allowed",
                "Line 3: import of 'os' is not allowed (not in allowed imports)",
                "Line 4: use of 'open' is not allowed",
                "Line 4: use of 'eval' is not allowed",
                "Line 4: use of 'exec' is not allowed",
            ],
        )

    def test_bounded(self) -> None:
        exact = violations("eval\n" * policy.MAX_VIOLATIONS)
        self.assertEqual(len(exact), policy.MAX_VIOLATIONS)
        self.assertEqual(exact[-1], "Line %d: use of 'eval' is not allowed" % policy.MAX_VIOLATIONS)
        more = violations("eval\n" * (policy.MAX_VIOLATIONS + 23))
        self.assertEqual(len(more), policy.MAX_VIOLATIONS + 1)
        self.assertEqual(more[-1], "... and 23 more")

    def test_long_name_is_cut(self) -> None:
        [line] = violations("import " + "x" * 5000)
        self.assertEqual(line, "Line 1: import of '%s...' is not allowed (not in allowed imports)" % ("x" * policy.MAX_NAME))


class Modes(unittest.TestCase):
    SOURCE = "import numpy as np\nnp.load(1)\neval"
    SCAN = ["Line 1: import of 'numpy' is not allowed (not in allowed imports)", "Line 3: use of 'eval' is not allowed"]
    AUDIT = ["Line 2: use of 'numpy.load' is not allowed"]

    def test_each_stage_has_its_own(self) -> None:
        for scan, audit, want in (
            ("enforce", "enforce", ([self.SCAN[0], self.AUDIT[0], self.SCAN[1]], [])),
            ("enforce", "observe", (self.SCAN, self.AUDIT)),
            ("observe", "enforce", (self.AUDIT, self.SCAN)),
            ("observe", "observe", ([], [self.SCAN[0], self.AUDIT[0], self.SCAN[1]])),
        ):
            with self.subTest(scan=scan, audit=audit):
                p = policy.Policy(spec(scan, audit, BLOCKED))
                self.assertEqual(policy.check(ast.parse(self.SOURCE), spec(scan, audit, BLOCKED)), want)
                self.assertEqual(policy.check(ast.parse(self.SOURCE), p), want)
                self.assertEqual(policy.violations(ast.parse(self.SOURCE), p), want[0])

    def test_syntax_errors_are_refused_when_a_stage_is_enforced(self) -> None:
        for scan, audit, entries, want in (
            ("enforce", "observe", [], True),
            ("observe", "enforce", [], False),
            ("observe", "enforce", BLOCKED, True),
            ("observe", "observe", BLOCKED, False),
        ):
            with self.subTest(scan=scan, audit=audit, entries=len(entries)):
                self.assertEqual(policy.Policy(spec(scan, audit, entries)).refuses_syntax_errors, want)

    def test_unknown_mode_is_our_bug(self) -> None:
        with self.assertRaises(ValueError):
            policy.Policy(spec(scan="log"))

    def test_lists_may_be_null(self) -> None:
        of = {"imports": [], "ast_scan": {"mode": "enforce", "names": None, "attributes": None}, "blocklist_audit": {"mode": "observe", "entries": None}}
        self.assertEqual(violations("eval(f.__code__)", of), [])


class BlockList(unittest.TestCase):
    def test_table(self) -> None:
        of = spec(entries=BLOCKED, imports=["numpy", "xml", "os"])
        load = "use of 'numpy.load' is not allowed"
        seed = "use of 'numpy.random.seed' is not allowed"
        for source, want in (
            ("import numpy\n\n\nnumpy.load('x')", ["Line 4: " + load]),
            ("import numpy as np\nnp.load", ["Line 2: " + load]),
            ("def f(): return np.load\nimport numpy as np", ["Line 1: " + load]),
            ("import numpy as np\nnp\\\n.load", ["Line 3: " + load]),
            ("from numpy import load", ["Line 1: " + load]),
            ("from numpy import (\n    array,\n    load as l,\n)", ["Line %d: " % (3 if sys.version_info >= (3, 10) else 1) + load]),
            ("import numpy.load", ["Line 1: " + load]),
            ("from numpy.load import x", ["Line 1: " + load]),
            ("from numpy import *", ["Line 1: use of 'numpy.*' is not allowed (it includes 'numpy.load')"]),
            ("from numpy.linalg import *", []),
            ("import numpy as np\nnp.random.seed(1)", ["Line 2: " + seed]),
            ("import numpy.random\nnumpy.random.seed(1)", ["Line 2: " + seed]),
            ("import numpy.random as r\nr.seed(1)", ["Line 2: " + seed]),
            ("from numpy import random as r\nr.seed(1)", ["Line 2: " + seed]),
            ("from numpy.random import seed", ["Line 1: " + seed]),
            ("import xml.sax.handler", ["Line 1: use of 'xml.sax' is not allowed"]),
            ("from xml.sax import parse", ["Line 1: use of 'xml.sax' is not allowed"]),
            ("import os as np\nimport numpy as np\nnp.load", ["Line 3: " + load]),
            ("numpy.load", []),
            ("import numpy as np\nnp.array.load\nx.np.load\nnp().load", []),
            ("from numpy import array\narray.load", []),
            ("import os\nos.load", []),
        ):
            with self.subTest(source):
                self.assertEqual(violations(source, of), want)


class Deep(unittest.TestCase):
    """A tree deeper than any stack, made by hand: no parser would."""

    def test_walk(self) -> None:
        self.deep(policy.Policy(SPEC))

    def test_audit(self) -> None:
        self.deep(policy.Policy(spec(entries=BLOCKED)))

    def deep(self, p: policy.Policy) -> None:
        place = dict(lineno=1, col_offset=0, end_lineno=1, end_col_offset=1)
        nodes = [ast.Name(id="eval", ctx=ast.Load(), **place)]
        for n in range(50_000):
            nodes.append(ast.UnaryOp(op=ast.USub(), operand=nodes[-1], **place))
            nodes.append(ast.Attribute(value=nodes[-1], attr="x", ctx=ast.Load(), **place))
        self.assertEqual(policy.violations(nodes[-1], p), ["Line 1: use of 'eval' is not allowed"])
        # Taken apart from the outside in: deallocating the chain at once would recurse in 3.9.
        while nodes:
            nodes.pop()


class ParseErrors(unittest.TestCase):
    def parse(self, source: str) -> str:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(ast.parse(source), "<s>", "exec")
        except Exception as error:
            text = policy.describe_parse_error(error, source)
            if "\ud800" not in source:
                self.assertEqual(policy.describe_parse_error(error, source.encode()), text)
            return text
        return "parsed"

    def test_what_the_parser_really_raises(self) -> None:
        many = 100_000
        deep = "SyntaxError: too deeply nested (line 1)"
        for name, source, want in (
            ("fine", "x = 1", "parsed"),
            ("parentheses", "(" * many + ")" * many, "SyntaxError: too many nested parentheses (line 1)"),
            ("open parentheses", "\n(" + "[" * many, "SyntaxError: too many nested parentheses (line 2)"),
            ("unary", "x = " + "-" * many + "1", deep),
            ("not", "x = " + "not " * many + "1", deep),
            ("lambda", "lambda:" * many + "1", deep),
            ("power", "1" + "**1" * many, deep),
            ("attributes", "a" + ".b" * many, deep),
            ("calls", "a" + "()" * many, deep),
            ("sum", "1" + "+1" * many, deep),
            ("return", "x = 1\nreturn x", "SyntaxError: 'return' outside function (line 2)"),
            ("indent", "if x:\npass", None),
            ("nul", "x = 1\ny = '\0'", "SyntaxError: source code string cannot contain null bytes (line 2)"),
            ("surrogate", "x = 1\n\ny = '\ud800'", "SyntaxError: source code is not valid Unicode (line 3)"),
            ("digits", "\nx = " + "9" * 10_000, None),
        ):
            with self.subTest(name):
                got = self.parse(source)
                if want is None:
                    self.assertRegex(got, r"\ASyntaxError: .+ \(line 2\)\Z")
                else:
                    self.assertEqual(got, want)

    def test_made_up(self) -> None:
        for error, want in (
            (SyntaxError("odd"), "SyntaxError: odd (line 1)"),
            (SyntaxError(), "SyntaxError: invalid syntax (line 1)"),
            (SyntaxError("unknown encoding: x", ("<s>", 0, 0, None)), "SyntaxError: unknown encoding: x (line 1)"),
            (IndentationError("unexpected indent", ("<s>", 7, 1, " x")), "SyntaxError: unexpected indent (line 7)"),
            (SyntaxError("two\nlines\ud800", ("<s>", 3, 1, "x")), "SyntaxError: two lines\\ud800 (line 3)"),
            (ValueError(), "SyntaxError: ValueError (line 1)"),
            (OverflowError("too big"), "SyntaxError: too big (line 1)"),
            (SyntaxError("x" * 5000, ("<s>", 2, 1, "x")), "SyntaxError: " + "x" * policy.MAX_MESSAGE + "... (line 2)"),
        ):
            with self.subTest(want[:60]):
                self.assertEqual(policy.describe_parse_error(error), want)

    def test_memory_is_told_from_nesting(self) -> None:
        mib = 1 << 20
        for error, peak, want in (
            (MemoryError(), 500 * mib, True),
            (MemoryError(), 20 * mib, False),
            (MemoryError("Parser stack overflowed - Python source too complex to parse"), 500 * mib, False),
            (RecursionError(), 500 * mib, False),
        ):
            with self.subTest(error=error, peak=peak):
                self.assertEqual(policy.ran_out_of_memory(error, peak, 512 * mib), want)

    def test_deep_nesting_uses_little(self) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with self.assertRaises(MemoryError) as caught:
            ast.parse("x = " + "-" * 1_000_000 + "1")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.assertFalse(policy.ran_out_of_memory(caught.exception, grown << 10, 64 << 20))


if __name__ == "__main__":
    unittest.main()
