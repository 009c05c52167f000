# Reads what /proc says of this process, of the first, and of its parent.
# contained by: outer, inner
names = ["/proc/1/status", "/proc/1/cmdline", "/proc/self/maps", "/proc/self/mem", "/proc/self/environ", "/proc/self/cmdline"]
names += ["/proc/%d/%s" % (os.getppid(), what) for what in ("environ", "mem", "maps", "cmdline")] + ["/proc/kallsyms", "/proc/net/tcp", "/sys/kernel/uevent_seqnum"]
table({name: call(@openat@, AT_FDCWD, path(name), 0) for name in names})
