# An executable page out of a file that is readable.
# contained by: outer, inner
fd = call(257, AT_FDCWD, path("/proc/self/exe"), 0)
table({"a file": call(9, 0, 4096, 5, 2, fd, 0), "shared": call(9, 0, 4096, 5, 0x21, -1, 0), "SHM_EXEC": reached(call(30, -1, 0, 0o100000))})
