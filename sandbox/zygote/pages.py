"""How the pages of a warm zygote lie, so that a run costs little.

To fork copies an entry for every page that the zygote has, and the end of a run takes them
down one by one: with a hundred megabytes of imported packages that is most of what a short
run costs. A huge page has one entry for all of it, until somebody writes to it: then it is
split, for him, and a small page of it copied.
"""

from __future__ import annotations

import os
from functools import partial

MADV_COLLAPSE = 25  # Linux 6.1
PR_SET_THP_DISABLE = 41

# CPython's allocator (obmalloc.c, since 3.10) hands out blocks of a multiple of 16 bytes, up
# to 512, each from a pool of blocks of one size. What a pool begins with takes 48 bytes.
STEP, LARGEST = 16, 512
POOL, HEAD = 16 << 10, 48
SMALLEST_BYTES = bytes().__sizeof__()
SMALL = {16: object, 32: complex}
AT_ONCE = 8
ROOM = 4 << 20  # bytes of one size that it may have free; if there are more, it is another allocator

_filling: list[list[object]] = []


def fill() -> None:
    """Take what is free in the pools that have been begun. What the zygote and its runs make
    from now on lies together, and not here and there between what was imported, which they
    would have to copy."""
    for size in range(STEP, LARGEST + STEP, STEP):
        make = SMALL.get(size) or partial(bytes, size - SMALLEST_BYTES)
        last = make()
        for _ in range(ROOM // size // AT_ONCE):
            blocks = [last] * (AT_ONCE + 1)
            for at in range(AT_ONCE):
                blocks[at + 1] = make()  # and nothing else, which could lie between two of them
            _filling.append(blocks)
            last = blocks[-1]
            if begin_a_pool(blocks, size):
                break
        else:
            return


def begin_a_pool(blocks: list[object], size: int) -> bool:
    """Whether two of them are the first two of a pool, one after the other: it is new then."""
    addresses = [id(block) for block in blocks]
    return any(one % POOL == HEAD and other - one == size for one, other in zip(addresses, addresses[1:]))


def collapse(proc: int, call, madvise: int, prctl: int) -> None:
    """Have what can be written to in huge pages, as far as there are any. proc is /proc/self,
    call makes a system call, madvise and prctl are the numbers of two. Only what there is
    now: a run never gets a huge page of its own, see launch."""
    try:
        call(prctl, PR_SET_THP_DISABLE, 0)
    except OSError:
        return  # a kernel that does not know them (gVisor)
    with os.fdopen(os.open("maps", os.O_RDONLY, dir_fd=proc), "rb") as maps:
        for line in maps:  # as in proc_pid_maps(5)
            addresses, mode, _, _, inode = line.split(None, 5)[:5]
            if mode == b"rw-p" and inode == b"0":
                start, end = (int(address, 16) for address in addresses.split(b"-"))
                try:
                    call(madvise, start, end - start, MADV_COLLAPSE)
                except OSError:
                    continue  # it is too small, or none is to be had
    call(prctl, PR_SET_THP_DISABLE, 1)
