fd = call(257, AT_FDCWD, path("/etc/passwd"), 0)  # openat
report(fd >= 0 and b"root" in os.read(fd, 100), fd)
