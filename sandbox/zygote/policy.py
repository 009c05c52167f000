"""The policy: what a caller is told about a program before it runs.

This is advice, not the boundary. A program that hides what it does from this
check (getattr, strings, rebinding) meets the kernel's rules all the same; a
program that merely says ``import os`` gets "Line 1: import of 'os' is not
allowed" instead of a traceback. So the lists are closed, exact and short, and
nothing here guesses.

It runs in the run's own process: parsing hostile source is running hostile
input. The zygote builds one Policy before it forks; a run calls check().

What is refused, each with its line:

* ``import x`` and ``from x import y`` when the root of x is not in the
  profile's imports. ``from __future__ import y`` is a directive to the
  compiler and always fine; a relative import has no package to be relative
  to. A star import is judged by its module like any other.
* Bare names of the closed list, wherever they are *read*: ``eval(s)``,
  ``f = eval``, ``{open}``, ``@compile``. Binding one is fine (a parameter
  ``input``, ``def compile(): ...``), as are ``re.compile`` and ``f(input=1)``;
  but the bare name is refused where it is read even if the program has bound
  its own, because telling the two apart needs a scope analysis whose mistakes
  would be worse than asking for another name.
* Attributes of the closed list, read, written or deleted, also as the keyword
  of a class pattern: ``case object(__globals__=g)``.
* With a block list, the attributes of modules that it names, through every name
  that an import statement binds (see _audit for what that leaves out).
"""

from __future__ import annotations

import ast

#: At most this many violations are listed; one more line counts the rest.
MAX_VIOLATIONS = 100

#: At most this many characters of a name from the program are repeated.
MAX_NAME = 80

#: At most this many characters of what the parser said are repeated.
MAX_MESSAGE = 300

# Class patterns came with Python 3.10.
_MATCH_CLASS = getattr(ast, "MatchClass", None)

# Line, column, text. Sorted by place, so that the order of the walk is free.
Finding = tuple[int, int, str]


class Policy:
    """A profile's policy, ready to use. Immutable once made, so safe to inherit.

    spec is {"imports": [...], "ast_scan": {"mode", "names", "attributes"},
    "blocklist_audit": {"mode", "entries": [{"module", "attribute"}]}}; the server
    has validated it, so a missing or misspelt key is our bug and raises.
    """

    __slots__ = ("imports", "any_import", "names", "attributes", "blocked", "scan_enforced", "audit_enforced")

    def __init__(self, spec: dict) -> None:
        scan, audit = spec["ast_scan"], spec["blocklist_audit"]
        self.imports = frozenset(spec["imports"])
        self.any_import = "*" in self.imports
        self.names = frozenset(scan["names"] or ())
        self.attributes = frozenset(scan["attributes"] or ())
        self.scan_enforced = _enforced(scan["mode"])
        self.blocked = frozenset(e["module"] + "." + e["attribute"] for e in audit["entries"] or ())
        self.audit_enforced = _enforced(audit["mode"])

    @property
    def refuses_syntax_errors(self) -> bool:
        """Whether a program that can't be parsed is refused.

        It is as soon as one stage must be enforced on it. With every stage in
        observe mode (or an empty block list) the program runs into its own
        SyntaxError instead.
        """
        return self.scan_enforced or (self.audit_enforced and bool(self.blocked))


def _enforced(mode: str) -> bool:
    if mode not in ("enforce", "observe"):
        raise ValueError("policy mode %r is neither enforce nor observe" % (mode,))
    return mode == "enforce"


def violations(tree: ast.AST, policy: Policy | dict) -> list[str]:
    """What refuses the program: empty, or every violation in the order of the source."""
    return check(tree, policy)[0]


def check(tree: ast.AST, policy: Policy | dict) -> tuple[list[str], list[str]]:
    """Returns (refused, observed): what the stages in enforce mode found, which
    refuses the program when not empty, and what those in observe mode found,
    which is only for the log. Each is in the order of the source, without
    repetitions, and at most MAX_VIOLATIONS + 1 lines long. A spec that is not a
    Policy yet is made one.
    """
    if type(policy) is not Policy:
        policy = Policy(policy)
    scanned, imports, attributes = _scan(tree, policy)
    audited = _audit(imports, attributes, policy) if policy.blocked else []
    refused: list[Finding] = []
    observed: list[Finding] = []
    (refused if policy.scan_enforced else observed).extend(scanned)
    (refused if policy.audit_enforced else observed).extend(audited)
    return _report(refused), _report(observed)


def _scan(tree: ast.AST, policy: Policy) -> tuple[list[Finding], list[ast.AST], list[ast.Attribute]]:
    """Walks the tree once and returns the findings of ast_scan, the import
    statements, and (only when there is a block list) the attributes.

    One loop with a stack of its own: it is called on every request, and a tree may be
    deeper than the interpreter's stack. Nodes are told apart by their exact type,
    which the parser guarantees. __dict__ holds the fields of a node that the parser
    made, and its position, whose integers cost less to skip than _fields to follow.
    """
    names, attributes = policy.names, policy.attributes
    found: list[Finding] = []
    imports: list[ast.AST] = []
    audit: list[ast.Attribute] | None = [] if policy.blocked else None
    AST, Name, Load, Attribute = ast.AST, ast.Name, ast.Load, ast.Attribute
    Import, ImportFrom, Constant = ast.Import, ast.ImportFrom, ast.Constant

    stack = [tree]
    pop, push = stack.pop, stack.append
    while stack:
        node = pop()
        kind = type(node)
        if kind is Name:
            if node.id in names and type(node.ctx) is Load:
                found.append((node.lineno, node.col_offset, "use of %s is not allowed" % _quote(node.id)))
            continue
        if kind is Constant:
            continue
        if kind is Attribute:
            # The attribute's name is the last thing in the node: on a chain over several
            # lines its own line is where the node ends.
            if node.attr in attributes:
                found.append((node.end_lineno, node.end_col_offset, "attribute %s is not allowed" % _quote(node.attr)))
            if audit is not None:
                audit.append(node)
            push(node.value)
            continue
        if kind is Import or kind is ImportFrom:
            imports.append(node)
            _imports(node, policy, found)
            continue
        if kind is _MATCH_CLASS:
            for attr, pattern in zip(node.kwd_attrs, node.kwd_patterns):
                if attr in attributes:
                    found.append((pattern.lineno, pattern.col_offset, "attribute %s is not allowed" % _quote(attr)))
        for value in node.__dict__.values():
            if type(value) is list:
                for item in value:
                    if isinstance(item, AST):
                        push(item)
            elif isinstance(value, AST):
                push(value)
    return found, imports, audit or []


def _imports(node: ast.AST, policy: Policy, found: list[Finding]) -> None:
    """Adds what ast_scan says about one import statement."""
    if type(node) is ast.Import:
        modules = [alias.name for alias in node.names]
    elif node.level:
        name = "." * node.level + (node.module or "")
        found.append((node.lineno, node.col_offset, "import of %s is not allowed (relative import)" % _quote(name)))
        return
    elif node.module == "__future__":
        return
    else:
        modules = [node.module]
    for name in modules:
        if name.partition(".")[0] not in policy.imports and not policy.any_import:
            text = "import of %s is not allowed (not in allowed imports)" % _quote(name)
            found.append((node.lineno, node.col_offset, text))


def _audit(imports: list[ast.AST], attributes: list[ast.Attribute], policy: Policy) -> list[Finding]:
    """Findings of blocklist_audit: uses of module.attribute pairs.

    A name stands for every module that any import statement anywhere in the
    program binds to it, whatever the scope. Not followed: assignments
    (``n = np``), getattr, importlib, and names that a program rebinds.
    """
    found: list[Finding] = []
    blocked = policy.blocked
    bound: dict[str, set[str]] = {}  # a local name -> the dotted modules it may stand for
    for node in imports:
        if type(node) is ast.ImportFrom and not node.level and node.module:
            _audit_from(node, blocked, bound, found)
        elif type(node) is ast.Import:
            for alias in node.names:
                root = alias.name.partition(".")[0]
                bound.setdefault(alias.asname or root, set()).add(alias.name if alias.asname else root)
                for dotted in _prefixes(alias.name):
                    if dotted in blocked:
                        found.append((node.lineno, node.col_offset, "use of %s is not allowed" % _quote(dotted)))
    # No blocked name is longer, so no longer chain is followed: linear in the program.
    longest = max(name.count(".") for name in blocked)
    for node in attributes:
        parts, base = [node.attr], node.value
        while type(base) is ast.Attribute and len(parts) < longest:
            parts.append(base.attr)
            base = base.value
        if type(base) is not ast.Name:
            continue
        tail = ".".join(reversed(parts))
        for module in sorted(bound.get(base.id, ())):
            dotted = module + "." + tail
            if dotted in blocked:
                found.append((node.end_lineno, node.end_col_offset, "use of %s is not allowed" % _quote(dotted)))
    return found


def _audit_from(node: ast.ImportFrom, blocked: frozenset[str], bound: dict[str, set[str]], found: list[Finding]) -> None:
    """Adds what blocklist_audit says about ``from module import ...``, and what it binds."""
    for dotted in _prefixes(node.module):
        if dotted in blocked:
            found.append((node.lineno, node.col_offset, "use of %s is not allowed" % _quote(dotted)))
    for alias in node.names:
        # Python 3.9 gives an alias no place of its own.
        line, column = getattr(alias, "lineno", node.lineno), getattr(alias, "col_offset", node.col_offset)
        if alias.name == "*":
            for dotted in sorted(blocked):
                if dotted.rpartition(".")[0] == node.module:
                    text = "use of %s is not allowed (it includes %s)" % (_quote(node.module + ".*"), _quote(dotted))
                    found.append((line, column, text))
                    break
            continue
        dotted = node.module + "." + alias.name
        if dotted in blocked:
            found.append((line, column, "use of %s is not allowed" % _quote(dotted)))
        bound.setdefault(alias.asname or alias.name, set()).add(dotted)


def _prefixes(dotted: str) -> list[str]:
    """'a.b.c' -> ['a.b', 'a.b.c']; a long chain is cut at eight, the rest can't be a module."""
    parts = dotted.split(".")[:8]
    return [".".join(parts[:n]) for n in range(2, len(parts) + 1)]


def _quote(name: str) -> str:
    return "'%s'" % (name if len(name) <= MAX_NAME else name[:MAX_NAME] + "...")


def _report(found: list[Finding]) -> list[str]:
    """Findings as lines in the order of the source, each once, bounded in number."""
    lines: dict[tuple[int, str], None] = {}
    for line, _, text in sorted(found, key=_place):
        lines[line, text] = None
    report = []
    for line, text in lines:
        if len(report) == MAX_VIOLATIONS:
            report.append("... and %d more" % (len(lines) - MAX_VIOLATIONS))
            break
        report.append("Line %d: %s" % (line, text))
    return report


def _place(finding: Finding) -> tuple[int, int]:
    return finding[0], finding[1]


# What the parser and the compiler raise
#
# Measured with 100,000-fold nesting under a 512 MiB address space. In 3.11, 3.12 and 3.13 alike:
#
#   ((((…))))  [[[[…]]]]    SyntaxError "too many nested parentheses" (from 200 on)
#   a.b.b.b…  1+1+1+…  f()()()…   RecursionError "maximum recursion depth exceeded during ast construction"
#                           (3.11 from about 3,000 on, 3.13 from about 10,000 on; a little more room and it is
#                           the compiler's "… during compilation")
#   ----…1  not not …  lambda:lambda:…  1**1**…  10,000 elif   the parser's own stack of 6,000 levels is full:
#                           3.11 MemoryError without a text; 3.12 and 3.13 MemoryError
#                           "Parser stack overflowed - Python source too complex to parse"
#
# and besides: a NUL is ValueError up to 3.11.3, then SyntaxError without a line; a lone surrogate is
# UnicodeEncodeError; 10,000 digits are SyntaxError; 100 levels of indentation are IndentationError.


def ran_out_of_memory(error: BaseException, peak: int, limit: int) -> bool:
    """Whether a parser's MemoryError means memory, rather than too deep a nesting.

    peak is the process's largest resident size and limit its RLIMIT_AS, both in bytes. Where the
    error has a text it is the parser's stack. 3.11 gives none, so its two cases are told apart by what
    was used. Measured at limits of 64 to 512 MiB with sources of up to 1 MiB: the parser's stack
    is full at 19 to 32 MiB, whatever the limit; memory runs out at 86 % of the limit or above.
    """
    return isinstance(error, MemoryError) and not error.args and peak * 4 > limit * 3


def describe_parse_error(error: BaseException, source: str | bytes = "") -> str:
    """One violation for whatever parsing or compiling raised: 'SyntaxError: <what> (line N)'.

    The source serves to find the line of a NUL, which the parser does not tell; the line is 1
    where nothing tells a better one. MemoryError reads as too deep a nesting: ask
    ran_out_of_memory first.
    """
    if isinstance(source, bytes):
        source = source.decode("utf-8", "replace")
    line, what = 1, str(error)
    if isinstance(error, SyntaxError):
        line, what = error.lineno or 0, error.msg or "invalid syntax"
    elif isinstance(error, UnicodeEncodeError):
        line, what = error.object.count("\n", 0, error.start) + 1, "source code is not valid Unicode"
    elif isinstance(error, (RecursionError, MemoryError)):
        what = "too deeply nested"
    if line < 1 or "null byte" in what:
        line = source.count("\n", 0, max(source.find("\0"), 0)) + 1
    what = " ".join(what.split()) or type(error).__name__
    if len(what) > MAX_MESSAGE:
        what = what[:MAX_MESSAGE] + "..."
    what = what.encode("utf-8", "backslashreplace").decode("utf-8")
    return "SyntaxError: %s (line %d)" % (what, line)
