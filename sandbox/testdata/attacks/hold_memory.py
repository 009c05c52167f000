# Memory that stays, goes or is seen otherwise than a program needs.
# contained by: outer, inner
# may be absent: a kernel may be built without NUMA and protection keys
# files allow: msync, of what it has mapped anyway
page, room = call(9, 0, 8192, 3, 0x22, -1, 0), memory(bytes(8))
table({
    "mlock": call(149, page, 4096), "mlock2": call(325, page, 4096, 1), "munlock": call(150, page, 4096), "mlockall": call(151, 2), "munlockall": call(152), "mincore": call(27, page, 4096, room), "msync": call(26, page, 4096, 4),
    "MADV_HUGEPAGE": reached(call(28, page, 4096, 14)), "MADV_WIPEONFORK": call(28, page, 4096, 18), "MADV_DONTDUMP": call(28, page, 4096, 16), "MADV_POPULATE_WRITE": call(28, page, 4096, 23),
    "mbind": call(237, page, 4096, 0, 0, 0, 0), "set_mempolicy": call(238, 0, 0, 0), "get_mempolicy": call(239, room, 0, 0, 0, 0), "pkey_alloc": reached(call(330, 99, 0)), "pkey_mprotect": call(329, page, 4096, 1, -1),
    "membarrier": call(324, 0, 0, 0), "remap_file_pages": reached(call(216, page, 4096, 0, 0, 0)),
}, absent=["mbind", "set_mempolicy", "get_mempolicy", "pkey_alloc", "pkey_mprotect", "remap_file_pages"])
