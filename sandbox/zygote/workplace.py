"""What a run with a workspace has beside: its folder, the files that it was sent, and
the figures that it leaves open.

All of it is convenience, in the program's own process: the folder's bounds, and who can
see it, are the kernel's business.
"""

from __future__ import annotations

import _multiprocessing
import _signal
import _thread
import errno
import itertools
import os
import struct
import sys
import tempfile
import time

FILE = struct.Struct("<II")  # lengths of name and content: see protocol.go
MOST_FIGURES = 32

_fork = os.fork
_save_figures = False
_saved = 0
_home = ""


STACK = 2 << 20  # bytes of a thread's. The default is 8 MiB, and threads share a run's address space


def prepare(threads: bool, call, clone: int, semlock: type) -> None:
    """In the zygote, before it imports what programs use. clone is the call's number;
    semlock takes the place of locks between processes, see semlock.py."""
    global _fork
    _fork = without_processes(call, clone)
    for name in ("chmod", "utime", "statvfs"):
        setattr(os, name, by_descriptor(getattr(os, name)))
    os.utime = with_times(os.utime)
    for name in ("getxattr", "setxattr", "listxattr", "removexattr"):
        setattr(os, name, without_attributes)
    system, _, _, _, machine = os.uname()
    here = os.uname_result((system, "codecell", "", "", machine))
    os.uname = lambda: here
    _multiprocessing.SemLock = semlock  # type: ignore[attr-defined, misc]
    if threads:
        _thread.stack_size(STACK)


def by_descriptor(function):
    """One of os's functions, for files that can be opened. By a path the kernel would
    refuse it: no rule of Landlock's says whose mode and times may be changed."""

    def opened(path, *args, dir_fd=None, follow_symlinks=True, **kwargs):
        if isinstance(path, int):
            return function(path, *args, **kwargs)
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow_symlinks else os.O_NOFOLLOW)
        fd = os.open(path, flags, dir_fd=dir_fd)
        try:
            return function(fd, *args, **kwargs)
        finally:
            os.close(fd)

    opened.__name__ = opened.__qualname__ = function.__name__
    opened.__doc__ = function.__doc__
    return opened


def without_processes(call, clone: int):
    """os.fork, as a program has it: the kernel refuses it, and is asked in a way that no
    zygote uses, so that the refusal has a name (docs/calls.md)."""

    def fork() -> int:
        return call(clone, _signal.SIGCHLD)

    return fork


def with_times(utime):
    """os.utime, which gives the time when nobody does: the kernel would take everybody's
    word for now who may write."""

    def given(path, times=None, *, ns=None, **kwargs):
        if times is None and ns is None:
            ns = (time.time_ns(),) * 2
        return utime(path, **({"ns": ns} if times is None else {"times": times}), **kwargs)

    return given


def without_attributes(path, *args, **kwargs):
    """What a file system without extended attributes says of them."""
    raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP), path)


def settle_in() -> None:
    """In a run, as soon as it is jailed, and before its program has come."""
    global _home
    _home = here = os.getcwd()
    for name in ("HOME", "TMPDIR"):
        os.environ[name] = here
    os.environ.pop("MPLCONFIGDIR", None)
    os.fork = _fork
    tempfile.tempdir = None
    sys.path.insert(0, here)  # as that of a script's folder
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        # Or every run would draw the zygote's numbers; random sees to itself. numpy's seed
        # does as much, and writes to twice as many pages.
        numpy.random.set_state(("MT19937", numpy.frombuffer(os.urandom(4 * 624), "u4"), 624))


def unpack(files: memoryview, count: int, figures: bool) -> None:
    """Put the files into the workspace, each one new."""
    global _save_figures
    _save_figures = figures
    for _ in range(count):
        name_size, size = FILE.unpack_from(files)
        name = str(files[FILE.size : FILE.size + name_size], "utf-8")
        files = files[FILE.size + name_size :]
        folder = os.path.dirname(name)
        if folder:
            os.makedirs(folder, exist_ok=True)
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            content = files[:size]
            while content:
                content = content[os.write(fd, content) :]
        finally:
            os.close(fd)
        files = files[size:]


def watch_figures() -> None:
    """In the zygote: have matplotlib draw to memory, and make a window that is shown a
    figure that is saved, as there is nobody to look."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.pyplot
    import PIL.PngImagePlugin

    def show(*args, block=None, **kwargs) -> None:
        # Otherwise it returns at once, and the program goes on with its figures.
        if block is not False and not matplotlib.is_interactive():
            save_figures()

    matplotlib.pyplot.show = show
    matplotlib.figure.Figure.show = lambda self, *args, **kwargs: None


def save_figures() -> None:
    """Save the figures that are open, and close them. One that can't be drawn is raised once
    the others are saved."""
    global _saved
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not _save_figures:
        return
    failures: list[Exception] = []
    lost = 0
    for number in pyplot.get_fignums():
        if _saved == MOST_FIGURES:
            lost += 1
        else:
            try:
                save(pyplot.figure(number))
                _saved += 1
            except Exception as exc:
                failures.append(exc)
        pyplot.close(number)
    if lost:
        print(f"{lost} figures were not saved: {MOST_FIGURES} are the most", file=sys.stderr)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise ExceptionGroup(f"{len(failures)} figures could not be saved", failures)


def save(figure) -> None:
    """Save a figure whole or not at all, under the first name that nothing has."""
    numbers = itertools.count(1)
    path = next(path for n in numbers if not os.path.lexists(path := os.path.join(_home, f"figure-{n}.png")))
    try:
        figure.savefig(path)
    except BaseException:
        if os.path.lexists(path):
            os.remove(path)
        raise
