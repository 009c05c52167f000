# Reads a file that every user may read: not its owner stands before it.
# contained by: outer, inner
fd = call(257, AT_FDCWD, path("@DIR@/file"), 0)  # openat
if fd >= 0:
    print(os.read(fd, 100).decode())
report(fd >= 0, fd)
