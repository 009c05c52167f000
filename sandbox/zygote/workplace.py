"""What a run with a workspace has beside: its folder, the files that it was sent, and
the figures that it leaves open.

All of it is convenience, in the program's own process: the folder's bounds, and who can
see it, are the kernel's business.
"""

from __future__ import annotations

import _signal
import _thread
import errno
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


STACK = 2 << 20  # bytes of a thread's. The default is 8 MiB, and threads share a run's address space


def prepare(threads: bool, call, clone: int) -> None:
    """In the zygote, before it imports what programs use. clone is the call's number."""
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
    here = os.getcwd()
    for name in ("HOME", "TMPDIR"):
        os.environ[name] = here
    os.environ.pop("MPLCONFIGDIR", None)
    os.fork = _fork
    tempfile.tempdir = None
    sys.path.insert(0, here)  # as that of a script's folder
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()  # or every run would draw the zygote's numbers; random sees to itself


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
    """In the zygote, once matplotlib is imported: make a window that is shown a figure that
    is saved, as there is nobody to look."""
    import matplotlib.figure
    import matplotlib.pyplot

    matplotlib.pyplot.show = lambda *args, **kwargs: save_figures()
    matplotlib.figure.Figure.show = lambda self, *args, **kwargs: None


def save_figures() -> None:
    """Save the figures that are open, and close them."""
    global _saved
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not _save_figures:
        return
    for number in pyplot.get_fignums():
        if _saved < MOST_FIGURES:
            _saved += 1
            pyplot.figure(number).savefig(f"figure-{_saved}.png")
        pyplot.close(number)
