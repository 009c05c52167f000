fd = call(257, AT_FDCWD, path("/proc/@PID@/environ"), 0)
report(fd >= 0 and len(os.read(fd, 100)) > 0, fd)
