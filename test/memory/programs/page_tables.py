# route: sparse maps
# ends: memory_limit, ok
# outside: 600 MiB
# 4 MiB are mapped and given back, but for the two pages on either side of a 2 MiB
# boundary: each pair costs two page tables as well, which no limit counts.
PAGE, TABLE, BLOCK = 1 << 12, 1 << 21, 1 << 22
pairs = 0
for _ in range(57_000):
    start = call(NR["mmap"], 0, BLOCK, 3, 0x22, -1, 0)
    if start < 0:
        break
    seam = (start + TABLE + PAGE) & -TABLE
    call(NR["munmap"], start, seam - PAGE - start)
    call(NR["munmap"], seam + PAGE, start + BLOCK - seam - PAGE)
    Byte.from_address(seam - PAGE).value = 1
    Byte.from_address(seam).value = 1
    pairs += 1
print("charged", pairs, "pairs")
