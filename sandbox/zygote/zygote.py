"""The zygote: a warm interpreter that forks one process for each program.

It starts inside the outer jail, imports what the profile's programs may import,
gives up exec, paths and new code for ever (the seal), and then does three
things in a loop: take an order from the server, fork, report an exit. It never
reads a program: its heap is inherited by every later run.

The messages are drawn in sandbox/protocol.go, which is their one definition.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import struct
import sys
import time
from functools import partial
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, PathFinder

import _socket

REHEARSALS = 10  # CPython 3.11 and later specialise code that has run eight times

STRAY_PATIENCE = 1.0  # seconds

SERVER = 3  # the socket, see launch.SocketFD
PROC_SELF = 4  # /proc/self, opened before the jail closed: for one look at the maps
LIBRARY = 5  # an empty memory file, see library.py

HEADER = struct.Struct("<c7xQ")  # tag, id
RUN = struct.Struct("<c7xQQQQ")  # tag, id, address space in bytes, CPU seconds, 1: its program comes later
FDS = struct.Struct("=5i")  # stdin, stdout, stderr, control, workspace; the last where runs have one
FD = struct.calcsize("=i")
STARTED = struct.Struct("<c7xQQ")  # tag, id, pid
EXITED = struct.Struct("<c7xQQQQQQ")  # tag, id, wait status, user us, system us, max RSS KiB, reading
FAILED = struct.Struct("<c7xQQ")  # tag, id, errno
PIDFD = struct.Struct("=i")


def look_at_maps(madvise) -> int:
    """Return how many bytes are mapped. End here if any page is writable and executable, so that a run could write
    code, or writable and shared, so that it could write to other runs. Pages that
    are only a file's go back to the page cache: most were for starting and
    importing, and what is used comes back."""
    smaps = os.open("smaps", os.O_RDONLY, dir_fd=PROC_SELF)
    with os.fdopen(smaps, "rb") as text:
        lines = text.readlines()
    os.close(PROC_SELF)
    start = end = mapped = 0
    mode = b""
    for line in lines:
        key, *rest = line.split()
        if not key.endswith(b":"):  # the first line of a map, as in proc_pid_maps(5)
            start, end = (int(address, 16) for address in key.split(b"-"))
            mode = rest[0]
            mapped += end - start
            of_file = rest[-1].startswith(b"/")
            if b"w" in mode and (b"x" in mode or b"s" in mode):
                raise RuntimeError("a page is writable and executable, or writable and shared: " + line.decode("ascii", "replace").strip())
        # Not writable may have been so: what the loader relocated would be lost.
        elif key == b"Anonymous:" and rest[0] == b"0" and of_file and b"w" not in mode:
            madvise(start, end - start, 4)  # MADV_DONTNEED
    return mapped


def warm(modules: list[str], library, late: list[str]) -> None:
    """Import what runs will find imported, and keep the sources of what they may import
    later. Runs with files import from those."""
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as exc:
            raise ImportError(f"{name}: {type(exc).__name__}: {exc}") from exc
    if library is not None:
        library.fill(late)
        sys.meta_path.insert(0, library)
        sys.path[:] = []
        sys.path_importer_cache.clear()


def settle(trim) -> None:
    """Leave no garbage for runs to copy, and no code of threading's that they are the first to
    run: each does this after its fork."""
    if threading := sys.modules.get("threading"):
        for _ in range(REHEARSALS):
            threading._after_fork()
    gc.collect()
    trim()


def native_files(modules: list[str]) -> list[str]:
    """What is in C of the standard library and of these modules' packages, imported or not."""
    suffixes = tuple(EXTENSION_SUFFIXES)
    packages = [PathFinder.find_spec(name) for name in sorted({name.partition(".")[0] for name in modules})]
    folders = [folder for folder in sys.path if os.path.basename(folder) == "lib-dynload"]
    folders += [folder for package in packages if package for folder in package.submodule_search_locations or ()]
    return [
        os.path.join(folder, file)
        for top in folders for folder, _, files in os.walk(top) for file in files if file.endswith(suffixes)
    ]


def map_native(files: list[str], dlopen) -> list[str]:
    """Map them: a run can import what is mapped, and map nothing itself. Those that can't be
    are returned: one may lack a library that it needs. A run that imports it is then told so."""
    left = []
    for file in files:
        try:
            dlopen(file)
        except OSError:
            left.append(file)
    return left


def tell_what_is_not_mapped() -> None:
    """Have an import that a run can't make say why, in words."""
    create = ExtensionFileLoader.create_module

    def create_module(self, spec):
        try:
            return create(self, spec)
        except ImportError as exc:
            if "failed to map segment" not in str(exc):
                raise
            words = f"{spec.name} is native code, which a program can't load; the profile has to (preload)"
            raise ImportError(words, name=spec.name, path=spec.origin) from None

    ExtensionFileLoader.create_module = create_module


def stray_threads() -> int:
    """How many threads this process has beside the one that forks, once those that are
    about to end have: libraries start some without Python."""
    patience = time.monotonic() + STRAY_PATIENCE
    tasks = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=PROC_SELF)
    try:
        while (stray := len(os.listdir(tasks)) - 1) and time.monotonic() < patience:
            time.sleep(0.001)
        return stray
    finally:
        os.close(tasks)


class Zygote:
    """The loop. run_main is run.py's main; it never returns."""

    def __init__(self, server: _socket.socket, run_main, jail) -> None:
        self.server = server
        self.run_main = run_main
        self.jail = jail
        self.pid = os.getpid()
        self.poll = select.poll()
        self.poll.register(SERVER, select.POLLIN)
        self.runs: dict[int, tuple[int, int]] = {}  # pidfd -> (id, pid)

    def serve(self) -> None:
        while True:
            for fd, _ in self.poll.poll():
                if fd == SERVER:
                    self.take()
                else:
                    self.reap(fd)

    def take(self) -> None:
        message, ancillary, _, _ = self.server.recvmsg(64, _socket.CMSG_SPACE(FDS.size))
        if not message:
            os._exit(0)  # the server closed its end: no more work, or no more server
        tag, number = HEADER.unpack_from(message)
        if tag == b"P":
            os.write(SERVER, HEADER.pack(b"O", number))
        elif tag == b"R":
            _, _, memory, cpu, ahead = RUN.unpack(message)
            self.start(number, memory, cpu, ahead == 1, struct.unpack(f"={len(ancillary[0][2]) // FD}i", ancillary[0][2]))
        else:
            raise ValueError(f"unknown order {tag!r}")

    def start(self, number: int, memory: int, cpu: int, ahead: bool, fds: tuple[int, ...]) -> None:
        try:
            pid = os.fork()
        except OSError as exc:
            os.write(SERVER, FAILED.pack(b"F", number, exc.errno))
        else:
            if pid == 0:
                self.run_main(self.pid, self.jail, memory, cpu, ahead, fds)  # never returns
            pidfd = os.pidfd_open(pid)
            self.runs[pidfd] = (number, pid)
            self.poll.register(pidfd, select.POLLIN)
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, PIDFD.pack(pidfd))]
            self.server.sendmsg([STARTED.pack(b"S", number, pid)], rights)
        for fd in fds:
            os.close(fd)

    def reap(self, pidfd: int) -> None:
        ended = time.monotonic_ns()
        number, pid = self.runs.pop(pidfd)
        self.poll.unregister(pidfd)
        os.close(pidfd)
        _, status, used = os.wait4(pid, 0)
        user, system = round(used.ru_utime * 1e6), round(used.ru_stime * 1e6)
        os.write(SERVER, EXITED.pack(b"X", number, status, user, system, used.ru_maxrss, ended))


def main(config: dict, load) -> None:
    """Warm up, seal, and serve. load(name) gives one of our own sources as a module."""
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, SERVER)
    step = "kernel"
    try:
        kernel = load("kernel")
        kernel.call(config["calls"]["prctl"], 4, 0)  # PR_SET_DUMPABLE: exec made us dumpable again
        step = "import"
        run = load("run")
        run.prepare(load("policy"), config["policy"])
        jail = load("jail").Jail(kernel, config)
        if config["files"] is not None:
            workplace = load("workplace")
            workplace.prepare(config["threads"], kernel.call, config["calls"]["clone"], load("semlock").SemLock)
            run.equip(workplace)
            sys.path.extend(config["files"]["packages"])
            tell_what_is_not_mapped()
        for _ in range(REHEARSALS):
            run.rehearse()
        library = None
        if config["files"] is None:
            library = load("library").Library(kernel, config["calls"]["mmap"], LIBRARY)
        else:
            os.close(LIBRARY)
            pages = load("pages")
            # First, or it would lie between the pages of what is imported.
            left = map_native(native_files(config["modules"]), kernel.load_library)
        config["sources"].clear()  # all are loaded
        if config["figures"]:
            workplace.watch_figures()
        warm(config["modules"], library, config["late"])
        if config["files"] is not None:
            map_native(left, kernel.load_library)  # what needs a library that its package loads
        step = "threads"
        if stray_threads():
            raise RuntimeError("an import started a thread; a forked run would inherit its locks")
        step = "pages"
        settle(kernel.trim)
        if config["files"] is not None:  # with fewer megabytes it would cost another, for nothing
            pages.fill(PROC_SELF)
            pages.collapse(PROC_SELF, kernel.call, config["calls"]["madvise"], config["calls"]["prctl"])
        gc.freeze()  # what exists now is never touched by a run's collector, so its pages stay shared
        step = "maps"
        jail.mapped = look_at_maps(partial(kernel.call, config["calls"]["madvise"]))
        step = "seal"
        kernel.Filter(bytes.fromhex(config["seal"]), []).install(config["calls"]["seccomp"])
        os.write(SERVER, b"H")
        step = "serve"
        Zygote(server, run.main, jail).serve()
    except BaseException as exc:
        import json

        text = f"{type(exc).__name__}: {exc}"[:500]
        os.write(SERVER, b"L" + json.dumps({"step": "zygote: " + step, "error": text}).encode())
        os._exit(1)
