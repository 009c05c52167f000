# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 900 MiB
# needs: packages
# Arrays of numpy's, as large as can be had, and then smaller ones, until there is nothing
# left; held for a moment.
import time

import numpy

held = []
for size in (64 << 20, 4 << 20, 256 << 10):
    try:
        while True:
            held.append(numpy.ones(size // 8))
    except MemoryError:
        pass
time.sleep(2)
while True:
    held.append(numpy.ones(1 << 20))
