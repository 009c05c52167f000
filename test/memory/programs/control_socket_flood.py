# route: pipe and socket buffers
# ends: ok, failed, crashed, timeout
# outside: nothing
# Whatever this process can write to is written to, 64 MiB each, what its own control
# messages go through included.
chunk = memory(b"\xff" * (64 << 10))
for fd in range(3, 16):
    sent = 0
    while sent < 1_000 and call(NR["write"], fd, chunk, 64 << 10) > 0:
        sent += 1
    small = 0
    while small < 10_000 and call(NR["write"], fd, chunk, 32) > 0:
        small += 1
    print(fd, sent, small)
