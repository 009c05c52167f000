# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
# All pages in the one call that maps them: nobody can look in between.
if call(NR["mmap"], 0, 680 << 20, READ_WRITE, PRIVATE | POPULATE, -1, 0) < 0:
    call(NR["mmap"], 0, 400 << 20, READ_WRITE, PRIVATE | POPULATE, -1, 0)
while True:
    map_anonymous(8 << 20)
