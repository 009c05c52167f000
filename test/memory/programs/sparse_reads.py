# route: sparse maps
# ends: memory_limit, ok
# outside: 400 MiB
# A page that is only read is the kernel's one page of zeros and charges nothing; the
# table that points to it does. A map without reserve may be as large as the machine's
# address space; where there is a limit, many maps have to do.
size = 1 << 38
while (start := call(NR["mmap"], 0, size, READ_WRITE, PRIVATE | NORESERVE, -1, 0)) < 0 and size > 64 << 20:
    size //= 2
if start > 0:
    for address in range(start, start + size, TABLE):
        Byte.from_address(address).value
kept = 0
while kept < 64_000:
    start = call(NR["mmap"], 0, 2 * TABLE, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        break
    seam = (start + TABLE + PAGE) & -TABLE
    call(NR["munmap"], start, seam - PAGE - start)
    call(NR["munmap"], seam + PAGE, start + 2 * TABLE - seam - PAGE)
    Byte.from_address(seam - PAGE).value
    Byte.from_address(seam).value
    kept += 1
print("kept", kept)
