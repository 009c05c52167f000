# route: sparse maps
# ends: memory_limit, ok
# outside: 400 MiB
# 200 MiB are mapped, and all but a page of each 2 MiB is given back: what stays is a
# page, and a page table for it. madvise(2) gives back only the pages.
SIZE = 200 << 20
kept = 0
while kept < 64_000:
    start = call(NR["mmap"], 0, SIZE, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        break
    touch(start, SIZE, TABLE)
    if call(NR["madvise"], start, SIZE, DONTNEED) == 0:
        touch(start, SIZE, TABLE)
    for hole in range(start, start + SIZE, TABLE):
        call(NR["munmap"], hole + PAGE, TABLE - PAGE)
        kept += 1
print("kept", kept)
