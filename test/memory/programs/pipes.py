# route: pipe and socket buffers
# ends: ok
# outside: 40 MiB
# Pipes that hold a MiB instead of 64 KiB, and are full. What the container allows of
# its own is made wider and filled as well.
F_SETPIPE_SZ, O_NONBLOCK = 1031, 0o4000
chunk = memory(bytes(64 << 10))
ends = memory(bytes(8))
for made in range(1_500):
    if call(NR["pipe2"], ends, O_NONBLOCK) < 0:
        break
    write = int.from_bytes(content(ends)[4:], "little")
    call(NR["fcntl"], write, F_SETPIPE_SZ, 1 << 20)
    while call(NR["write"], write, chunk, 64 << 10) > 0:
        pass
print("pipes", made, [call(NR["fcntl"], fd, F_SETPIPE_SZ, 1 << 20) for fd in range(3)])
