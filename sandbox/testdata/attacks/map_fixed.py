# Maps at chosen addresses: 64,500 pages that straddle 1 GiB boundaries measured
# +1,537 MiB of page tables.
# contained by: inner
# not by outer: the dynamic loader puts a library's segments at addresses of its choice. The memory line ends a run whose page tables grow
at = 0x200000000000
results = [
    call(9, at, 8192, 3, 0x32, -1, 0),  # MAP_FIXED
    call(9, at, 8192, 3, 0x100022, -1, 0),  # MAP_FIXED_NOREPLACE: EEXIST, if the first succeeded
    call(9, at + 8192, 8192, 3, 0x22, -1, 0),  # a hint
]
report(results == [at, -17, at + 8192], results) if any(result >= 0 for result in results) else report(False, results)
