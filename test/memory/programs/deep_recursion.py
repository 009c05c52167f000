# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error, failed, crashed
# outside: 300 MiB
# Frames of Python need no stack, only memory; a comparison of lists within lists
# needs the stack.
import sys

sys.setrecursionlimit(1 << 30)


def deeper(n):
    ballast = bytearray(512)
    return deeper(n + 1) + len(ballast)


try:
    deeper(0)
except (MemoryError, RecursionError):
    pass
nested = []
for _ in range(200_000):
    nested = [nested]
other = []
for _ in range(200_000):
    other = [other]
nested == other
raise MemoryError
