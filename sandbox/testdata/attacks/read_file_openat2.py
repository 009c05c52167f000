how = memory(struct.pack("QQQ", 0, 0, 0))
fd = call(437, AT_FDCWD, path("/etc/passwd"), how, 24)  # openat2
report(fd >= 0 and b"root" in os.read(fd, 100), fd)
