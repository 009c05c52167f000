# Asks whether a file is there, and what it is.
# contained by: outer, inner
# files allow: stat of its own descriptors; that a file is there is hidden where there is a mount namespace
room, file = memory(bytes(256)), path("/etc/passwd")
table({
    "stat": call(4, file, room), "lstat": call(6, file, room), "newfstatat": call(262, AT_FDCWD, file, room, 0), "statx": call(332, AT_FDCWD, file, 0, 0xFFF, room),
    "AT_EMPTY_PATH": call(262, 1, path(""), room, 0x1000), "access": call(21, file, 0), "faccessat": call(269, AT_FDCWD, file, 0),
    "faccessat2": call(439, AT_FDCWD, file, 0, 0), "chdir": call(80, path("/")), "readlink": call(89, path("/proc/self/exe"), room, 256),
    "readlinkat": call(267, AT_FDCWD, path("/proc/self/exe"), room, 256), "statfs": call(137, path("/"), room), "fstatfs": call(138, 1, room),
})
