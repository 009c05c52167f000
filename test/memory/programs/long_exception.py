# route: output that the *server* would have to hold
# ends: failed, memory_error
# outside: 64 MiB
# A traceback of hundreds of MiB, with each of its causes.
try:
    raise ValueError("x" * (100 << 20))
except ValueError as cause:
    raise KeyError("\x01" * (20 << 20)) from cause
