# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
# One map that is made longer, and moves where it can't stay; and small ones that
# begin where nothing was asked for.
size = 1 << 20
start = map_anonymous(size)
touch(start, size)
while True:
    step = 16 << 20
    moved = call(NR["mremap"], start, size, size + step, MAY_MOVE, 0)
    if moved < 0:
        break
    touch(moved + size, step)
    start, size = moved, size + step
while True:
    small = map_anonymous(PAGE)
    grown = call(NR["mremap"], small, PAGE, 1 << 20, MAY_MOVE, 0)
    if grown < 0:
        raise MemoryError
    touch(grown, 1 << 20)
