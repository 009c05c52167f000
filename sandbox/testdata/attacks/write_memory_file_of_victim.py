# Writes to another process's memory, by /proc/PID/mem.
# contained by: outer, inner
# seen from outside: victim
fd = call(257, AT_FDCWD, path("/proc/@VICTIM@/mem"), 2)
report(fd >= 0 and call(18, fd, memory(b"x"), 1, @VICTIM_SECRET@) == 1, fd)  # pwrite64
