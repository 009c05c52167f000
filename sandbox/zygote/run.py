"""One run: the child of a fork enters the inner jail (jail.py), reads its program,
checks the policy, runs the program as ``python3 file.py`` would, and exits.

Everything after ``Jail.enter`` is in the program's hands: what is written to the
control socket from then on is hearsay to the server.
"""

from __future__ import annotations

import _sitebuiltins
import _signal
import ast
import atexit
import builtins
import gc
import io
import json
import linecache
import os
import resource
import struct
import sys
import time
import traceback
import types

CONTROL = 3  # the socket to the server
FRAME = struct.Struct("<cI")  # tag, length of what follows
PROGRAM = struct.Struct("<6I")  # lengths and numbers of what follows: see protocol.go
READING = struct.Struct("<Q")  # of CLOCK_MONOTONIC, in ns
NAME = "main.py"  # what a traceback calls the program
OURS = "<codecell/"  # and how what it calls our sources begins, see boot.py

# A program of ours that does nothing, see rehearse. What is in no program of a caller's
# would cost every run for nothing.
REHEARSAL = b'print("", end="")'

# Address space that is freed when a program has run out of it, so that its
# traceback can be printed. Never written to, so it is no memory (calloc).
_spare: bytes | None = bytes(1 << 20)

# The policy module and the rules of the profile, see prepare.
_policy: types.ModuleType
_rules: object

# workplace.py, where runs have files.
_workplace: types.ModuleType | None = None

# The program's globals, and a dict that, like them, is held by this module's alone.
_main: dict = {}
_unshared: dict = {}

# What ends a run, whatever the program makes of their names.
_exit = os._exit
_modules = sys.modules
_run_exitfuncs = atexit._run_exitfuncs
_settrace = sys.settrace
_traceback = BaseException.__dict__["__traceback__"]
_context = BaseException.__dict__["__context__"]
_cause = BaseException.__dict__["__cause__"]


def prepare(policy: types.ModuleType, spec: dict) -> None:
    """In the zygote, once: what every run finds ready."""
    global _policy, _rules
    _policy, _rules = policy, policy.Policy(spec)
    rebuild_streams()
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")  # -S takes them away
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    sys.argv[:] = [NAME]
    sys.excepthook = sys.__excepthook__ = print_exception
    sys.unraisablehook = print_unraisable


def equip(workplace: types.ModuleType) -> None:
    """In the zygote: runs have a workspace."""
    global _workplace
    _workplace = workplace


def rehearse() -> None:
    """Do with a program of ours what a run does with the one that it is sent.

    The zygote does it often enough for the interpreter to have specialised this code,
    whose counters every run would otherwise write to. A run that waits for its program
    does it once: the pages that it will write to are its own then, copied while
    nobody waits. Of the rehearsal itself nothing is left that a program could see.
    """
    tree = ast.parse(REHEARSAL, NAME)
    _policy.check(tree, _rules)
    exec(compile(tree, NAME, "exec", dont_inherit=True), {"__name__": "__main__"})
    sys.stdout.flush()
    sys.stderr.flush()


def rebuild_streams() -> None:
    """Streams of our own on 0, 1 and 2, line-buffered and never written to by the
    zygote: what a zygote had left unflushed would be printed by every run."""
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(
        io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding="utf-8", errors="surrogateescape"
    )
    sys.stdout = sys.__stdout__ = text_output(1, "surrogateescape", "<stdout>")
    sys.stderr = sys.__stderr__ = text_output(2, "backslashreplace", "<stderr>")


def text_output(fd: int, errors: str, name: str) -> io.TextIOWrapper:
    raw = io.FileIO(fd, "w", closefd=False)
    raw.name = name
    stream = io.TextIOWrapper(io.BufferedWriter(raw, 8192), encoding="utf-8", errors=errors, line_buffering=True)
    stream.mode = "w"
    return stream


def main(zygote: int, jail, memory: int, cpu: int, ahead: bool, fds: tuple[int, ...]) -> None:
    """The whole life of a child. It never returns to the zygote's loop. ahead says
    that there is no program yet."""
    status = 1
    try:
        jail.enter(zygote, memory, cpu, fds)
        if _workplace is not None:
            jail.step = "workspace"
            _workplace.settle_in()
        if ahead:
            jail.step = "rehearsal"
            rehearse()
    except BaseException as exc:
        fail(jail.step, exc, fds[3])
    try:
        tell(b"J", READING.pack(time.monotonic_ns()))
        gc.enable()
        source = read_program()
        status = run(source, memory)
    finally:
        _exit(status & 0xFF)


def fail(step: str, exc: BaseException, control: int) -> None:
    """Tell the server which step of the jail failed; nothing of the program was read."""
    text = json.dumps({"step": step, "error": str(exc)[:200]}).encode()
    for fd in (CONTROL, control):  # before and after it was moved to its place
        try:
            os.write(fd, FRAME.pack(b"E", len(text)) + text)
        except OSError:
            continue
    os._exit(1)


def tell(tag: bytes, payload: bytes = b"") -> None:
    """Say something to the server. A program that closed the socket goes unheard."""
    try:
        os.write(CONTROL, FRAME.pack(tag, len(payload)) + payload)
    except OSError:
        pass


def said(findings: list[str]) -> bytes:
    return json.dumps(findings, ensure_ascii=False).encode("utf-8", "replace")


def read_program() -> bytes:
    """The program in UTF-8, as the server sends it, with its arguments and environment,
    which are put into their places."""
    length, more, args, size, count, figures = PROGRAM.unpack(read_exactly(PROGRAM.size))
    source = read_exactly(length)
    if more:
        strings = os.fsdecode(read_exactly(more)).split("\0")  # a terminal may have sent bytes
        sys.argv.extend(strings[:args])
        env = dict(variable.split("=", 1) for variable in strings[args:-1])
        os.environ.update(env)
        if "TZ" in env:
            time.tzset()  # without files the name of a zone is UTC: its rules are in one
    if _workplace is not None:
        files = read_exactly(size)
        try:
            _workplace.unpack(memoryview(files), count, figures == 1)
        except OSError as exc:
            fail("workspace", exc, CONTROL)
    return source


def read_exactly(size: int) -> bytes:
    parts = []
    while size:
        part = os.read(CONTROL, size)
        if not part:
            os._exit(1)  # the server is gone
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def run(source: bytes, memory: int) -> int:
    """Check and run; memory is the address space in bytes. Returns the exit status."""
    # Where the prints of a traceback and of warnings find the program's lines.
    linecache.cache[NAME] = (lambda: source.decode("utf-8", "replace"),)  # type: ignore[assignment]
    refused: list[str] = []
    noticed: list[str] = []
    program: types.CodeType | None = None
    try:
        tree = ast.parse(source, NAME)
        refused, noticed = _policy.check(tree, _rules)
        if not refused:
            program = compile(tree, NAME, "exec", dont_inherit=True)
        del tree
    except Exception as exc:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        if _policy.ran_out_of_memory(exc, peak, memory) or not _rules.refuses_syntax_errors:
            return finish(handle(exc), False)
        refused = [_policy.describe_parse_error(exc, source)]
    # What refuses comes first: both share what the server will read, and neither is
    # escaped, which would make six bytes of one character.
    if program is None:
        tell(b"V", said(refused))
    if noticed:
        tell(b"N", said(noticed))
    if program is None:
        return 0
    tell(b"B", READING.pack(time.monotonic_ns()))
    failure: BaseException | None = None
    become_main()
    try:
        exec(program, _main)
    except BaseException as exc:
        failure = exc
    try:
        _settrace(None)  # a hook of the program's would be called for our functions too
    except BaseException:
        pass  # refused by an audit hook of the program's
    status, interrupted = 0, False
    if failure is not None:
        status, interrupted = handle(failure), isinstance(failure, KeyboardInterrupt)
        failure = None  # its frames hold the program's objects, which end in finish
    return finish(status, interrupted)


def become_main() -> None:
    """A fresh ``__main__`` in place of the zygote's; its namespace is _main."""
    global _main
    module = types.ModuleType("__main__")
    module.__file__ = NAME
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    _main = module.__dict__


def finish(status: int, interrupted: bool) -> int:
    """What the interpreter does once the program's last line ran and its exception
    was printed, in its order: wait for threads, run atexit, end the objects of
    ``__main__``, flush; and save figures first. Returns the exit status, or does not return at all."""
    threading = _modules.get("threading")
    if threading is not None:
        threading._shutdown()
    if _workplace is not None:
        try:  # before matplotlib closes them at exit
            _workplace.save_figures()
        except BaseException as exc:
            hide_our_frames(exc)
            complain("A figure could not be saved:", exc)
    _run_exitfuncs()
    end_main()
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        stream = sys.__dict__.get(name)
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            status = status or 120  # as CPython's Py_FinalizeEx has it
    if interrupted:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        os.kill(os.getpid(), _signal.SIGINT)
    return status


def end_main() -> None:
    """Let the program's objects have their say: a __del__, a suspended generator.

    Code of the program's that can still run holds its globals. When nobody else
    does, only a cycle whose finalizer is not written in Python (a partial, say) could
    have one, and a short program is spared the collector.
    """
    global _main
    _modules.pop("__main__", None)
    shared = sys.getrefcount(_main) > sys.getrefcount(_unshared)
    _main = {}  # the last hold on the namespace, if it was not shared: everything in it ends here
    if shared:
        # Unless the middle generation was ever collected, the oldest has none of the program's.
        gc.collect(1 if gc.get_stats()[1]["collections"] == 0 else 2)


def handle(failure: BaseException) -> int:
    """Print an exception that nobody caught; returns the exit status that it means."""
    global _spare
    if isinstance(failure, SystemExit):
        return exit_status(failure)
    if isinstance(failure, MemoryError):
        _spare = None
        tell(b"M")
    trace = hide_our_frames(failure)
    try:
        sys.excepthook(type(failure), failure, trace)
    except SystemExit as exc:
        return exit_status(exc)
    except BaseException as exc:
        hide_our_frames(exc)
        complain("Error in sys.excepthook:", exc)
        complain("\nOriginal exception was:", failure)
    return 1


def hide_our_frames(failure: BaseException) -> types.TracebackType | None:
    """Let the traceback begin where the program does, and return it."""
    trace = _traceback.__get__(failure)
    while trace is not None and trace.tb_frame.f_code.co_filename != NAME:
        trace = trace.tb_next
    _traceback.__set__(failure, trace)
    if _workplace is not None and not isinstance(failure, MemoryError):  # there may be none for it
        hide_what_was_called(failure)
    return trace


def hide_what_was_called(failure: BaseException) -> None:
    """Let the tracebacks of an exception, and of those that it came from, end before the
    functions of workplace.py, which the program knows by names of the library's."""
    seen: set[int] = set()
    chain = [failure]
    while chain:
        exc = chain.pop()
        if exc is None or id(exc) in seen:
            continue
        seen.add(id(exc))
        last = step = _traceback.__get__(exc)
        while step is not None:
            if not step.tb_frame.f_code.co_filename.startswith(OURS):
                last = step
            step = step.tb_next
        if last is not None:
            last.tb_next = None
        chain += (_context.__get__(exc), _cause.__get__(exc))


def exit_status(failure: SystemExit) -> int:
    """The status that a SystemExit asks for, as handle_system_exit in CPython's
    pythonrun.c reads it: none of these steps can fail, whatever the program put there."""
    try:
        code = failure.code
    except BaseException:
        code = failure  # type: ignore[assignment]
    if code is None:
        return 0
    if issubclass(type(code), int):
        number = int.__int__(code)  # no method of the program's
        return number & 0xFF if -(1 << 63) <= number < 1 << 63 else 0xFF  # a C long, or -1
    try:
        text = str(code)
    except BaseException:
        text = ""
    try:
        print(text, file=sys.stderr)
    except BaseException:
        pass  # an exit message that can't be printed is lost
    return 1


def print_exception(kind: type[BaseException], value: BaseException, trace: types.TracebackType | None) -> None:
    """sys.excepthook. The native one opens the source file, and there is none to open."""
    try:
        traceback.print_exception(kind, value, trace, file=sys.stderr)
    except Exception:  # out of memory, or of stack, or without a stream
        try:
            os.write(2, f"{kind.__name__}\n".encode("utf-8", "backslashreplace"))
        except OSError:
            pass  # the program closed it


def complain(title: str, exc: BaseException) -> None:
    print(title, file=sys.stderr)
    print_exception(type(exc), exc, exc.__traceback__)


def print_unraisable(args) -> None:
    """sys.unraisablehook, in the words of the native one."""
    print(f"{args.err_msg or 'Exception ignored in'}: {args.object!r}", file=sys.stderr)
    print_exception(args.exc_type, args.exc_value, args.exc_traceback)
