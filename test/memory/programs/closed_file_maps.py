# route: maps of files, and descriptors
# ends: ok, memory_error
# outside: 15 MiB
# needs: files
# As many maps as a process may have, each of a file that was opened for it and is closed
# again: the map holds it open. Each maps a page and its page table's entry.
import os

with open("page", "wb") as file:
    file.write(bytes(PAGE))
for made in range(66_000):
    file = os.open("page", os.O_RDONLY)
    start = call(NR["mmap"], 0, PAGE, 1, MAP_PRIVATE, file, 0)
    os.close(file)
    if start < 0:
        break
    Byte.from_address(start).value
print("maps", made, start)
