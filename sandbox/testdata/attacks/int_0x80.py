# Calls the kernel by i386's door and numbers, where a filter of amd64's alone would not
# understand them: on a page of its own, or by an int 0x80 that stands in a library's code.
# contained by: outer, inner
# may be absent: a machine may end whoever comes to that door, with SIGSEGV
print("ABSENT it ended us", flush=True)  # unless it does not
machine = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])  # mov eax, 20 (getpid); int 0x80; ret
page = call(9, 0, 4096, 7, 0x22, -1, 0)
def window(address, size):
    return type("Window", (_ctypes.Array,), {"_type_": _Byte, "_length_": size}).from_address(address)
if page > 0:
    code = window(page, len(machine))
    for at, byte in enumerate(machine):
        code[at] = byte
    report(_Syscall(page)(0, 0, 0, 0, 0, 0, 0) == os.getpid())
else:
    libc = _ctypes.dlopen(None, 0)
    doors = 0
    for name in ("getpid", "Py_Initialize"):
        known = _ctypes.dlsym(libc, name)
        info = memory(bytes(32))
        _Syscall(_ctypes.dlsym(libc, "dladdr"))(known, info, 0, 0, 0, 0, 0)
        base = struct.unpack_from("Q", content(info), 8)[0]
        (table_at, each, count) = struct.unpack_from("=Q14xHH", bytes(window(base, 64)), 32)
        first = None
        for n in range(count):
            kind, flags, _, address, _, _, size, _ = struct.unpack("=IIQQQQQQ", bytes(window(base + table_at + n * each, 56)))
            first = address if kind == 1 and first is None else first
            if kind != 1 or not flags & 1:
                continue  # not PT_LOAD, or not executable
            start = base - first + address
            at = bytes(window(start, size)).find(b"\xcd\x80")
            if at >= 0:
                _Syscall(start + at)(0, 0, 0, 0, 0, 0, 0)  # ends us here, one way or another
            doors += 1
    report(False, "no int 0x80 in the code of %d files" % doors)
