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


def content(address):
    """What is now in the copy at this address."""
    return next(bytes(buffer) for buffer, view in _kept if _ctypes.addressof(view) == address)


def path(name):
    return memory(name.encode() + b"\0")


PAGE, TABLE = 1 << 12, 1 << 21  # bytes: a page; what a page table of the lowest level maps
READ_WRITE, DONTNEED, MAY_MOVE = 3, 4, 1
MAP_PRIVATE, SHARED, PRIVATE = 0x02, 0x21, 0x22  # but for the first, anonymous
FIXED, GROWSDOWN, LOCKED, NORESERVE, POPULATE = 0x10, 0x100, 0x2000, 0x4000, 0x8000


def map_anonymous(size):
    """The address of a new private map."""
    start = call(NR["mmap"], 0, size, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        raise MemoryError(start)
    return start


def touch(start, size, step=PAGE):
    """Write one byte in every step."""
    for address in range(start, start + size, step):
        Byte.from_address(address).value = 1


def nap(seconds):
    call(NR["nanosleep"], memory(seconds.to_bytes(8, "little") + bytes(8)), 0)


# amd64's (asm/unistd_64.h).
NR = {
    "read": 0, "write": 1, "open": 2, "close": 3, "mmap": 9, "mprotect": 10, "munmap": 11,
    "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "access": 21, "mremap": 25, "madvise": 28,
    "shmget": 29, "shmat": 30, "nanosleep": 35, "getpid": 39, "socketpair": 53, "clone": 56,
    "fork": 57, "vfork": 58, "execve": 59, "semget": 64, "shmdt": 67, "msgget": 68, "msgsnd": 69,
    "fcntl": 72, "ptrace": 101, "getppid": 110, "setsid": 112, "mlockall": 151, "prctl": 157,
    "timer_create": 222, "exit_group": 231, "epoll_ctl": 233, "tgkill": 234,
    "inotify_add_watch": 254, "timerfd_create": 283, "eventfd2": 290, "epoll_create1": 291,
    "pipe2": 293, "inotify_init1": 294, "prlimit64": 302, "process_vm_writev": 311,
    "memfd_create": 319, "mlock2": 325, "clone3": 435, "memfd_secret": 447,
}
