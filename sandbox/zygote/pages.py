"""How the pages of a warm zygote lie, so that a run costs little.

To fork copies an entry for every page that the zygote has, and the end of a run takes them
down one by one: with a hundred megabytes of imported packages that is most of what a short
run costs. A huge page has one entry for all of it, until somebody writes to it: then it is
split, for him, and a small page of it copied (since Linux 5.8; before, for whoever may have
no huge pages, as a run).
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterator
from functools import partial

MADV_COLLAPSE = 25  # Linux 6.1
PR_SET_THP_DISABLE = 41

# What CPython's allocator hands out is a multiple of 16 bytes, up to 512 (obmalloc.c).
STEP, LARGEST = 16, 512
SMALLEST_BYTES = bytes().__sizeof__()
SMALL = {16: object, 32: complex}
ROOM = 4 << 20  # bytes of one size that it may have free; if there are more, it is another allocator

_filling: list[object] = []


def writable(proc: int) -> Iterator[tuple[int, int]]:
    """Start and end of each map that is written to and no file's (proc_pid_maps(5)). proc is
    /proc/self."""
    with os.fdopen(os.open("maps", os.O_RDONLY, dir_fd=proc), "rb") as maps:
        for line in maps:
            addresses, mode, _, _, inode = line.split(None, 5)[:5]
            if mode == b"rw-p" and inode == b"0":
                start, end = addresses.split(b"-")
                yield int(start, 16), int(end, 16)


def fill(proc: int) -> None:
    """Take what CPython's allocator has free in the maps that there are. What the zygote and
    its runs make from now on lies in new ones, together, and not here and there between what
    was imported, which they would have to copy."""
    borders = [border for ends in writable(proc) for border in ends]
    for size in range(LARGEST, 0, -STEP):  # the largest first: they use up what has no size yet
        make = SMALL.get(size) or partial(bytes, size - SMALLEST_BYTES)
        for _ in range(ROOM // size):
            _filling.append(make())
            if bisect.bisect(borders, id(_filling[-1])) % 2 == 0:  # in none of those maps
                break
        else:
            return
    _filling.append(borders)  # or they would leave room again


def collapse(proc: int, call, madvise: int, prctl: int) -> None:
    """Have what can be written to in huge pages, as far as there are any. call makes a
    system call, madvise and prctl are the numbers of two. Only what there is now: a run never
    gets a huge page of its own, see launch. Where the kernel has none to give, all stays as it is."""
    try:
        call(prctl, PR_SET_THP_DISABLE, 0)
    except OSError:
        return  # a kernel that does not know them
    for start, end in writable(proc):
        try:
            call(madvise, start, end - start, MADV_COLLAPSE)
        except OSError:
            continue  # it is too small, or none is to be had
    call(prctl, PR_SET_THP_DISABLE, 1)
