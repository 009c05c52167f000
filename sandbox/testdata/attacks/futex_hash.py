result = call(157, 78, 1, 1 << 20, 0, 0)  # prctl, PR_FUTEX_HASH, SET_SLOTS
report(result == 0, result)
