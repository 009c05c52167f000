# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 150 MiB
# 32,000 semaphores of 64 bytes in one call.
PRIVATE_KEY, CREATE = 0, 0o1600
for sets in range(200):
    id = call(NR["semget"], PRIVATE_KEY, 32_000, CREATE)
    if id < 0:
        break
print("sets", sets, id)
