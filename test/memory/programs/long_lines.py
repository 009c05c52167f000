# route: output that the *server* would have to hold
# ends: ok
# outside: 64 MiB
# 64 MiB without the end of a line, on both streams, and 64 MiB of nothing but ends.
import sys

for stream in (sys.stdout, sys.stderr):
    stream.write("x" * (64 << 20))
    stream.write("\n" * (1 << 20))
