# A futex on a page of a mapped file is the same futex for every process that maps
# the file. Here one that has nobody waiting: to be allowed to ask is to have won.
address = _ctypes.dlsym(_ctypes.dlopen(None, 0), "getpid") & ~3
results = [call(202, address, 1, 1, 0, 0, 0), call(202, address, 10, 1, 0, 0, 0xFFFFFFFF)]  # FUTEX_WAKE, FUTEX_WAKE_BITSET
report(0 in results, results)
