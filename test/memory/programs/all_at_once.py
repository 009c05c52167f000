# route: sparse maps
# ends: memory_limit, memory_error
# outside: 600 MiB
# Page tables first, and then pages as fast as they can be had, in the hope that they
# come between two looks at the memory line.
start = 0
for _ in range(22_000):
    start = call(NR["mmap"], 0, 2 * TABLE, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        break
    seam = (start + TABLE + PAGE) & -TABLE
    call(NR["munmap"], start, seam - PAGE - start)
    call(NR["munmap"], seam + PAGE, start + 2 * TABLE - seam - PAGE)
    touch(seam - PAGE, 2 * PAGE)
held = []
while True:
    held.append(b"x" * (100 << 20))
