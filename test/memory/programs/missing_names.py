# route: page cache of files that were read, and names
# ends: ok, memory_limit
# outside: 300 MiB
# needs: files
# limit: met
# The kernel remembers of each name that it is not there: 192 bytes, and the name if that
# is long. The random part makes every run's names new.
import os

folder = os.path.dirname(os.__file__)
rest = os.urandom(8).hex() + "x" * 200
for i in range(700_000):
    try:
        os.stat(f"{folder}/{i}{rest}")
    except OSError:
        pass
print("names", i)
