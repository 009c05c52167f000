# A hash of futexes of its own: one call charges up to 1 GiB. PR_FUTEX_HASH, SET_SLOTS.
# contained by: outer, inner
# may be absent: it came with Linux 6.16
result = call(157, 78, 1, 16, 0, 0)
table({"PR_FUTEX_HASH": -ENOSYS if result == -22 else result}, absent=["PR_FUTEX_HASH"])
