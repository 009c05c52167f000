# route: threads that share one stack
# ends: ok
# outside: 30 MiB
# 24,000 threads, if the container lets them be: a kernel stack and a task each, and of
# address space nothing. The stack that all of them have holds, for the return of
# syscall(), the address of pause().
THREAD = 0x00050F00  # CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM
pause = _ctypes.dlsym(_ctypes.dlopen(None, 0), "pause")
stack = memory(pause.to_bytes(8, "little") * 512)
for started in range(24_000):
    if call(NR["clone"], THREAD, (stack + 2048) & ~15) <= 0:
        break
print("threads", started, flush=True)
call(NR["exit_group"], 0)
