# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 500 MiB
# Maps that grow downwards when they are touched below their beginning. Each may grow
# by RLIMIT_STACK, 8 MiB.
ROOM = 7 << 20
for _ in range(100):
    start = call(NR["mmap"], 0, ROOM + PAGE, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        raise MemoryError
    call(NR["munmap"], start, ROOM)
    top = start + ROOM
    if call(NR["mmap"], top, PAGE, READ_WRITE, PRIVATE | FIXED | GROWSDOWN, -1, 0) != top:
        break
    for address in range(top, start + (1 << 20), -PAGE):
        Byte.from_address(address).value = 1
else:
    raise MemoryError
while True:
    touch(map_anonymous(8 << 20), 8 << 20)
