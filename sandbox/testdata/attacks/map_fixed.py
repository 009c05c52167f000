# Maps at chosen addresses: 64,500 pages that straddle 1 GiB boundaries measured
# +1,537 MiB of page tables.
results = [
    call(9, 0x200000000000, 8192, 3, 0x32, -1, 0),  # MAP_FIXED
    call(9, 0x200000000000, 8192, 3, 0x100022, -1, 0),  # MAP_FIXED_NOREPLACE
    call(9, 0x200000000000, 8192, 3, 0x22, -1, 0),  # a hint
]
report(0x200000000000 in results, results)
