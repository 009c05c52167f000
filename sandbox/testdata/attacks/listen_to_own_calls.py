# Filters of seccomp that do more than filter: one that answers calls, and one for all threads.
# contained by: outer, inner
program = memory(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))  # return SECCOMP_RET_ALLOW
filter = memory(struct.pack("=H6xQ", 1, program))
listener = call(317, 1, 8, filter)  # SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER
table({"NEW_LISTENER": listener, "TSYNC": call(317, 1, 1, filter), "GET_ACTION_AVAIL": call(317, 2, 0, memory(struct.pack("I", 0x7FFF0000))), "GET_NOTIF_SIZES": call(317, 3, 0, memory(bytes(6)))})
