# What every attack starts with: raw system calls, without the standard library's
# manners. The same text runs outside the jail as the positive control.
import _ctypes, os, struct, sys

class _Long(_ctypes._SimpleCData):
    _type_ = "l"

class _Byte(_ctypes._SimpleCData):
    _type_ = "B"

class _Syscall(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _argtypes_ = (_Long,) * 7
    _restype_ = _Long

_syscall = _Syscall(_ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall"))
_kept = []

def call(number, *args):
    """The raw result, or minus errno."""
    result = _syscall(number, *(list(args) + [0] * (6 - len(args))))
    return -_ctypes.get_errno() if result < 0 else result

def memory(content):
    """The address of a copy of content that the kernel may read and write."""
    kind = type("Bytes", (_ctypes.Array,), {"_type_": _Byte, "_length_": len(content)})
    buffer = bytearray(content)
    _kept.append((buffer, kind.from_buffer(buffer)))
    return _ctypes.addressof(_kept[-1][1])

def content(address):
    for buffer, view in _kept:
        if _ctypes.addressof(view) == address:
            return bytes(buffer)

def path(name):
    return memory(name.encode() + b"\0")

def report(won, what=""):
    print("WON" if won else "LOST", what)
    sys.stdout.flush()

AT_FDCWD = -100
