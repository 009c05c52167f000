# route: sparse maps
# ends: memory_limit, ok
# outside: 600 MiB
# The same without asking for an address. A map that doesn't fit into any gap goes below
# all others: of each large one its lowest page is kept, so that the next goes below it,
# and where a 1 GiB boundary lies in it, the two pages there.
BLOCK = 256 << 20
kept = 0
while kept < 64_000:
    start = call(NR["mmap"], 0, BLOCK, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        break
    seam = (start + BLOCK) & -(1 << 30)
    if start + 2 * PAGE < seam < start + BLOCK - PAGE:
        call(NR["munmap"], seam + PAGE, start + BLOCK - seam - PAGE)
        call(NR["munmap"], start + PAGE, seam - start - 2 * PAGE)
        touch(seam - PAGE, 2 * PAGE)
        kept += 1
    else:
        call(NR["munmap"], start + PAGE, BLOCK - PAGE)
    touch(start, PAGE)
    kept += 1
print("maps", kept)
