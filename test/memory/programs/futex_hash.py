# route: `prctl(PR_FUTEX_HASH)`
# ends: ok
# outside: 250 MiB
# A table of as many futexes as is asked for, 64 bytes each, in one call (Linux 6.16).
PR_FUTEX_HASH, SET_SLOTS = 78, 1
for bits in (22, 23, 24):
    print(call(NR["prctl"], PR_FUTEX_HASH, SET_SLOTS, 1 << bits, 0, 0))
