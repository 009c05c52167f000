room = memory(bytes(256))
results = [
    call(4, path("/etc/passwd"), room),  # stat
    call(6, path("/etc/passwd"), room),  # lstat
    call(262, AT_FDCWD, path("/etc/passwd"), room, 0),  # newfstatat
    call(262, 1, path("/etc/passwd"), room, 0x1000),  # newfstatat, AT_EMPTY_PATH
    call(332, AT_FDCWD, path("/etc/passwd"), 0, 0xFFF, room),  # statx
    call(21, path("/etc/passwd"), 0),  # access
    call(269, AT_FDCWD, path("/etc/passwd"), 0),  # faccessat
    call(439, AT_FDCWD, path("/etc/passwd"), 0, 0),  # faccessat2
    call(80, path("/")),  # chdir
    call(89, path("/proc/self/exe"), room, 256),  # readlink
]
report(0 in results or results[-1] > 0, results)
