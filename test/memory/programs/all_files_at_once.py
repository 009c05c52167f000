# route: sparse maps
# ends: memory_limit, memory_error
# outside: 400 MiB
# needs: files
# limit: met
# Everything that has a bound, to its bound; then page tables, which have none, and pages
# as fast as they can be had.
import _thread
import os
import socket
import time

rest = os.urandom(8).hex() + "x" * 200


def quietly(do, *arguments):
    try:
        return do(*arguments)
    except (OSError, RuntimeError):
        return None


held = []
for _ in range(20):  # sockets
    if pair := quietly(socket.socketpair):
        held.append(pair)
        for end in pair:
            end.setblocking(False)
            while quietly(end.send, bytes(1 << 16)):
                pass
for i in range(4_000):  # files, lone pages in them
    file = quietly(os.open, f"{i}-{rest}", os.O_CREAT | os.O_WRONLY)
    if file is None or quietly(os.pwrite, file, b"x", 17 << 20) is None:
        break
    os.close(file)
full = quietly(os.open, "full", os.O_CREAT | os.O_WRONLY)
while full and quietly(os.write, full, bytes(1 << 20)):
    pass
for i in range(100_000):  # names
    quietly(os.stat, f"{os.path.dirname(os.__file__)}/{i}{rest}")
for _ in range(10_000):  # maps of files
    file = quietly(os.open, f"0-{rest}", os.O_RDONLY)
    if file is not None:
        call(NR["mmap"], 0, PAGE, 1, MAP_PRIVATE, file, 0)
        os.close(file)
_thread.stack_size(64 << 10)
for _ in range(100):
    quietly(_thread.start_new_thread, time.sleep, (20,))
for _ in range(22_000):
    start = call(NR["mmap"], 0, 2 * TABLE, READ_WRITE, PRIVATE, -1, 0)
    if start < 0:
        break
    seam = (start + TABLE + PAGE) & -TABLE
    call(NR["munmap"], start, seam - PAGE - start)
    call(NR["munmap"], seam + PAGE, start + 2 * TABLE - seam - PAGE)
    touch(seam - PAGE, 2 * PAGE)
while True:
    held.append(b"x" * (50 << 20))
