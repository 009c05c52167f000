# Takes namespaces of its own, or those of others.
# contained by: outer, inner
own = call(257, AT_FDCWD, path("/proc/self/ns/net"), 0)
results = {"setns": call(308, own, 0)}
results |= {name: call(272, flag) for name, flag in {"user": 0x10000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "pid": 0x20000000}.items()}
table(results)
