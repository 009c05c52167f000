# Starts a program as the C library does: a clone that shares memory, and an exec.
# contained by: outer, inner
spawn = _Syscall(_ctypes.dlsym(_ctypes.dlopen(None, 0), "posix_spawn"))
pid = memory(bytes(4))
result = spawn(pid, path("/bin/true"), 0, 0, memory(struct.pack("QQ", path("true"), 0)), memory(bytes(8)), 0)
report(result == 0, result)
