# What every attack starts with: raw system calls, without the standard library's
# manners. The same text runs outside any jail as the positive control.
# A number that is None is of a call that this architecture does not have.
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
    """The raw result, or minus errno; None if there is no such call."""
    if number is None:
        return None
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
    """How the attack ended: it got what it wanted, or it did not."""
    print("WON" if won else "LOST", what)
    sys.stdout.flush()

EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97

def table(results, absent=()):
    """For calls that share their fate: the attack wins if all of them succeed and
    loses if none does. Those named in absent this machine may not have."""
    results = {name: result for name, result in results.items() if result is not None}
    made = [name for name, result in results.items() if result >= 0]
    if len(made) == len(results):
        return report(True, made)
    missing = [name for name in absent if results[name] in (-ENOSYS, -EAFNOSUPPORT)]
    if missing and len(made) + len(missing) == len(results):
        return print("ABSENT", missing)
    refused = [name for name, result in results.items() if result == -EPERM]
    otherwise = ["%s: %d" % (name, result) for name, result in results.items() if result < 0 and result != -EPERM]
    said = "; ".join((["EPERM from " + ", ".join(refused)] if refused else []) + otherwise)
    if made:
        return print("SOME", made, "but not", said)
    report(False, said)

def reached(result):
    """For calls that would harm this machine: with arguments that it can't mean
    seriously, to be told so by the call itself is as good as a success."""
    return result if result in (-EPERM, -ENOSYS) else 0

def forked(pid):
    """The result of a call that may have made a process of us: the child ends here."""
    if pid == 0:
        os._exit(0)
    return pid

AT_FDCWD = -100
