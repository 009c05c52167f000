# Sets the times of a file, which says that it is there and leaves a mark.
# contained by: outer, inner
# seen from outside: files
file, times = path("@DIR@/file"), memory(struct.pack("4q", 7, 0, 7, 0))
table({
    "utime": call(132, file, memory(struct.pack("2q", 7, 7))), "utimes": call(235, file, times), "utimensat": call(280, AT_FDCWD, file, times, 0),
    "futimesat": call(261, AT_FDCWD, file, times),
})
