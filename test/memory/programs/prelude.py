# Raw system calls, without the standard library's manners and without a file to
# import from. Numbers are those of the machine this runs on: NR["mmap"].
import _ctypes


class Long(_ctypes._SimpleCData):
    _type_ = "l"


class Byte(_ctypes._SimpleCData):
    _type_ = "B"


class Syscall(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _argtypes_ = (Long,) * 7
    _restype_ = Long


_syscall = Syscall(_ctypes.dlsym(_ctypes.dlopen(None, 0), "syscall"))
_kept = []


def call(number, *args):
    """The raw result, or minus errno."""
    result = _syscall(number, *(list(args) + [0] * (6 - len(args))))
    return -_ctypes.get_errno() if result < 0 else result


def memory(content):
    """The address of a copy of content that the kernel may read and write."""
    kind = type("Bytes", (_ctypes.Array,), {"_type_": Byte, "_length_": len(content)})
    buffer = bytearray(content)
    _kept.append((buffer, kind.from_buffer(buffer)))
    return _ctypes.addressof(_kept[-1][1])


# amd64's (asm/unistd_64.h).
NR = {"mmap": 9, "munmap": 11}
