# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
from datetime import datetime, timedelta

blocks = []
try:
    while True:
        block = bytearray(8 << 20)
        for page in range(0, len(block), 4096):
            block[page] = 1
        blocks.append(block)
except MemoryError:
    # Held until every other slot is as full.
    full = datetime.now()
    while datetime.now() - full < timedelta(seconds=3):
        pass
    raise
