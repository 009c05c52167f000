# route: output that the *server* would have to hold
# ends: failed, memory_error, crashed
# outside: 8 MiB
# 20,000 exceptions, each the cause of the next, with a note each.
cause = None
for i in range(20_000):
    error = ValueError("x" * 1_000)
    error.__cause__ = cause
    error.add_note("y" * 1_000)
    cause = error
raise cause
