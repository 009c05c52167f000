# Looks for texts in all memory that can be reached from what is known to be there.
# Each is given in two halves, which stand together nowhere in this program: what is
# found was not brought along.
PAGE = 4096
FAR = 1024  # pages without memory after which there is none: 4 MiB

def mapped(page):
    """Whether there is memory: the kernel reads a signal mask before it looks at what is to be done with it."""
    return call(14, 77, page, 0, 8) == -22  # rt_sigprocmask: EINVAL, not EFAULT

def around(address):
    """The stretches of memory around an address, as (start, end)."""
    for step in (PAGE, -PAGE):
        page, missing, start = address & -PAGE, 0, None
        while missing < FAR and 0 < page < 1 << 47:
            if mapped(page):
                start, missing = page if start is None else start, 0
            else:
                if start is not None:
                    yield (start, page) if step > 0 else (page + PAGE, start + PAGE)
                start, missing = None, missing + 1
            page += step
        if start is not None:
            yield (start, page) if step > 0 else (page + PAGE, start + PAGE)

def content_of(start, end):
    for at in range(start, end, 1 << 20):
        size = min((1 << 20) + 64, end - at)
        yield bytes(type("Window", (_ctypes.Array,), {"_type_": _Byte, "_length_": size}).from_address(at))

libc = _ctypes.dlopen(None, 0)
# Python's own arenas, malloc's heap, what malloc maps; the code and data of libraries; the stack.
known = [id(object()), memory(bytes(10_000)), memory(bytes(1 << 20)), _ctypes.dlsym(libc, "getpid"), _ctypes.dlsym(libc, "Py_Initialize")]
known += struct.unpack("Q", bytes(type("Pointer", (_ctypes.Array,), {"_type_": _Byte, "_length_": 8}).from_address(_ctypes.dlsym(libc, "environ"))))
own = ["".join(("Own", "Secret")) * 10, bytearray(b"".join((b"Own", b"Secret")) * 1_000_000)]

stretches = set()
for address in known:
    if not any(start <= address < end for start, end in stretches):
        stretches.update(around(address))
found, seen, size = dict.fromkeys(HALVES, 0), 0, 0
for start, end in sorted(stretches):
    start = max(start, seen)
    if start >= end:
        continue
    size, seen = size + end - start, end
    for text in content_of(start, end):
        for first, second in HALVES:
            at = text.find(first)
            while at >= 0:
                found[first, second] += text[at + len(first):at + len(first) + len(second)] == second
                at = text.find(first, at + 1)
print([count > 0 for count in found.values()], size > 4 << 20)
