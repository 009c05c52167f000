# Makes a process that borrows this one's memory. The child returns on our stack, so
# the call is made by machine code where that can be had; where not, as it is.
# contained by: outer, inner
page = call(9, 0, 4096, 7, 0x22, -1, 0)  # mmap, PROT_EXEC
if page > 0:
    machine = bytes([0xB8, 58, 0, 0, 0, 0x0F, 5, 0x85, 0xC0, 0x75, 9, 0x31, 0xFF, 0xB8, 60, 0, 0, 0, 0x0F, 5, 0xC3])  # vfork; in the child: _exit(0)
    kind = type("Code", (_ctypes.Array,), {"_type_": _Byte, "_length_": len(machine)})
    code = kind.from_address(page)
    for at, byte in enumerate(machine):
        code[at] = byte
    report(_Syscall(page)(0, 0, 0, 0, 0, 0, 0) > 0)
else:
    report(call(58) > 0)
