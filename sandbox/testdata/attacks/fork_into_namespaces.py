# Makes a process with more rights, in namespaces of its own.
# contained by: outer, inner
names = {"user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "mount": 0x20000, "cgroup": 0x02000000}
table({name: forked(call(56, flag | 17, 0, 0, 0, 0)) for name, flag in names.items()})
