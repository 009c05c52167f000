# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
# A private map of a file: each page that is written becomes anonymous.
file = call(NR["open"], path("/usr/bin/python3"), 0)
while True:
    start = call(NR["mmap"], 0, 4 << 20, READ_WRITE, MAP_PRIVATE, file, 0)
    if start < 0:
        start = map_anonymous(4 << 20)
    touch(start, 4 << 20)
