# route: files on tmpfs
# ends: memory_error
# outside: 400 MiB
# needs: files
# The workspace to its brim, and then all the memory that there is beside it, which is
# held while both are full.
import os
import time

chunk, written = bytes(1 << 20), 0
for name in ("first", "second", "third"):
    file = os.open(name, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            written += os.write(file, chunk)
    except OSError as refused:  # the file's own limit, or the workspace's
        print(name, written >> 20, refused)
try:
    while True:
        touch(map_anonymous(4 << 20), 4 << 20)
except MemoryError:
    time.sleep(3)
    raise
