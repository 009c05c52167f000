# route: sparse maps
# ends: ok
# outside: 600 MiB
# Two pages on either side of a 1 GiB boundary need two page tables of the lowest level
# and two of the next: 24 KiB for 8 KiB of address space.
for i in range(64_500):
    boundary = (1 << 40) + (i << 30)
    start = call(NR["mmap"], boundary - PAGE, 2 * PAGE, READ_WRITE, PRIVATE, -1, 0)
    if start != boundary - PAGE:
        break
    touch(start, 2 * PAGE)
print("maps", i)
