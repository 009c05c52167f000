# Reads memory, environment and arguments of server and victim where /proc has them.
# contained by: outer, inner
names = ["/proc/%d/%s" % (pid, what) for pid in (@SERVER@, @VICTIM@) for what in ("environ", "mem", "maps", "cmdline", "root/etc/passwd", "fd/0", "stat")]
table({name: call(257, AT_FDCWD, path(name), 0o10000000 if name.endswith("fd/0") else 0) for name in names})  # openat; O_PATH
