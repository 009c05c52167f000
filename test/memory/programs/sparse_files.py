# route: pages far apart in files
# ends: ok, memory_limit
# outside: 80 MiB
# needs: files
# A page of a file is found through nodes of 576 bytes, one for each 64 pages that are
# neighbours, and one for each 64 of these: a lone page has two or three of its own.
import os

files = pages = 0
try:
    while pages < 40_000:
        file = os.open(f"{files}", os.O_CREAT | os.O_WRONLY)
        files += 1
        for far in range(1, 64, 16):  # MiB
            os.pwrite(file, b"x", far << 20)
            pages += 1
        os.close(file)
except OSError as refused:
    print(refused)
print("files", files, "pages", pages)
