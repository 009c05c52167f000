# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 600 MiB
# A segment of shared memory stays when nobody has it mapped.
PRIVATE_KEY, CREATE = 0, 0o1600
for segment in range(680):
    id = call(NR["shmget"], PRIVATE_KEY, 1 << 20, CREATE)
    if id < 0:
        break
    start = call(NR["shmat"], id, 0, 0)
    touch(start, 1 << 20)
    call(NR["shmdt"], start)
print("segments", segment, id)
