# A futex on a page of a mapped file is the same futex for every process that maps
# the file. Here one that has nobody waiting: to be allowed to ask is to have won.
# contained by: outer, inner
# may be absent: futex_wake came with Linux 6.7
address = _ctypes.dlsym(_ctypes.dlopen(None, 0), "getpid") & ~3
table({
    "FUTEX_WAKE": call(202, address, 1, 1, 0, 0, 0), "FUTEX_WAKE_BITSET": call(202, address, 10, 1, 0, 0, 0xFFFFFFFF), "futex_wake": call(454, address, 0xFFFFFFFF, 1, 2),
    "FUTEX_REQUEUE": call(202, address, 3, 0, 0, address, 0),
}, absent=["futex_wake"])
