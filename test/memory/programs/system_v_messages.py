# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 32 MiB
# Messages that wait for a reader, 16 KiB in each queue.
PRIVATE_KEY, CREATE, DO_NOT_WAIT = 0, 0o1600, 0o4000
message = memory((1).to_bytes(8, "little") + bytes(8 << 10))
for queue in range(3_000):
    id = call(NR["msgget"], PRIVATE_KEY, CREATE)
    if id < 0:
        break
    while call(NR["msgsnd"], id, message, 8 << 10, DO_NOT_WAIT) == 0:
        pass
print("queues", queue, id)
