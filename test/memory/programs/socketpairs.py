# route: pipe and socket buffers
# ends: ok
# outside: 300 MiB
# What was sent and not received, in both directions of each pair.
AF_UNIX, SOCK_STREAM_NONBLOCK = 1, 0o4001
chunk = memory(bytes(32 << 10))
ends = memory(bytes(8))
for made in range(1_900):
    if call(NR["socketpair"], AF_UNIX, SOCK_STREAM_NONBLOCK, 0, ends) < 0:
        break
    for end in (content(ends)[:4], content(ends)[4:]):
        while call(NR["write"], int.from_bytes(end, "little"), chunk, 32 << 10) > 0:
            pass
print("pairs", made)
