# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
# A shared map is a file of the kernel's own: its pages stay when they are unmapped by
# one of several, and no heap counts them.
while True:
    start = call(NR["mmap"], 0, 8 << 20, READ_WRITE, SHARED, -1, 0)
    if start < 0:
        break
    touch(start, 8 << 20)
# Without them, as much as there is of the other kind.
while True:
    touch(map_anonymous(8 << 20), 8 << 20)
