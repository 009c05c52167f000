# route: anonymous memory, stacks, shared anonymous maps
# ends: ok, memory_error
# outside: 600 MiB
# The limit is met again and again, in every size, and each time survived.
held = []
for round in range(9):
    size = 64 << 20
    while size > 512:
        try:
            held.append(b"x" * size)
        except MemoryError:
            size //= 2
    if round % 3 == 2:
        held.clear()
