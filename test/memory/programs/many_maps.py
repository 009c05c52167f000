# route: sparse maps
# ends: ok
# outside: 3 MiB
# As many maps as a process may have (vm.max_map_count), each with a description in the
# kernel: first by protection, then by holes.
SIZE = 250 << 20
start = map_anonymous(SIZE)
for page in range(start, start + SIZE, 2 * PAGE):
    if call(NR["mprotect"], page, PAGE, 1) < 0 and call(NR["munmap"], page, PAGE) < 0:
        break
print("maps", (page - start) // 2 // PAGE)
