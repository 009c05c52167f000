"""System calls that the standard library does not offer, and nothing else.

``_ctypes`` is used without ``ctypes``: importing the latter creates a callback,
and with some builds of libffi that is a page both writable and executable, in
every run. Calls out of Python need none.
"""

from __future__ import annotations

import os
import struct

import _ctypes


class Long(_ctypes._SimpleCData):  # type: ignore[name-defined, misc]
    _type_ = "l"


class Byte(_ctypes._SimpleCData):  # type: ignore[name-defined, misc]
    _type_ = "B"


class Syscall(_ctypes.CFuncPtr):  # type: ignore[misc]
    """syscall(2) with up to six arguments, every one a long."""

    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _argtypes_ = (Long,) * 7
    _restype_ = Long


_libc = _ctypes.dlopen(None, 0)
_syscall = Syscall(_ctypes.dlsym(_libc, "syscall"))


def call(number: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0, f: int = 0) -> int:
    """Make one system call; OSError when the kernel refuses it."""
    result = _syscall(number, a, b, c, d, e, f)
    if result < 0:
        errno = _ctypes.get_errno()
        raise OSError(errno, os.strerror(errno))
    return result


def load_library(file: str) -> None:
    """Load a shared library for good (dlopen(3)), as the interpreter does: the same file is
    not mapped again when it imports it. OSError when it can't be."""
    _ctypes.dlopen(file, os.RTLD_NOW)


def trim() -> None:
    """Give back what malloc holds free (malloc_trim(3)); a libc without it keeps it."""
    try:
        malloc_trim = _ctypes.dlsym(_libc, "malloc_trim")
    except OSError:
        return
    Syscall(malloc_trim)(0, 0, 0, 0, 0, 0, 0)


def read_only_map(mmap: int, fd: int, size: int) -> memoryview:
    """The first size bytes of a file, mapped for good. mmap is the call's number."""
    address = call(mmap, 0, size, 1, 2, fd, 0)  # PROT_READ, MAP_PRIVATE
    kind = type("Bytes", (_ctypes.Array,), {"_type_": Byte, "_length_": size})
    return memoryview(kind.from_address(address)).cast("B").toreadonly()


class Memory:
    """Bytes at a fixed address, for the kernel to read. They can be patched."""

    def __init__(self, content: bytes) -> None:
        kind = type("Bytes", (_ctypes.Array,), {"_type_": Byte, "_length_": len(content)})
        self._bytes = bytearray(content)
        self._pin = kind.from_buffer(self._bytes)  # also forbids resizing
        self.address: int = _ctypes.addressof(self._pin)
        self.size = len(content)

    def patch(self, offsets: list[int], value: int) -> None:
        """Write value as 32 bits, in this machine's order, at each offset."""
        for at in offsets:
            struct.pack_into("=I", self._bytes, at, value)


class Filter:
    """A seccomp program (struct sock_fprog), ready to be installed."""

    def __init__(self, program: bytes, pid_offsets: list[int]) -> None:
        self._program = Memory(program)
        self._pid_offsets = pid_offsets
        self._fprog = Memory(struct.pack("=H6xQ", len(program) // 8, self._program.address))

    def install(self, seccomp: int) -> None:
        """Put the program in force for this process, for ever. seccomp is the call's number."""
        if self._pid_offsets:
            self._program.patch(self._pid_offsets, os.getpid())
        call(seccomp, 1, 0, self._fprog.address)  # SECCOMP_SET_MODE_FILTER
