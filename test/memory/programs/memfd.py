# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 600 MiB
# A file that is nowhere but in memory.
file = call(NR["memfd_create"], path("x"), 0)
chunk = memory(bytes(1 << 20))
written = 0
while written < 680 and file >= 0 and call(NR["write"], file, chunk, 1 << 20) > 0:
    written += 1
secret = call(NR["memfd_secret"], 0)
print("wrote", written, file, secret)
