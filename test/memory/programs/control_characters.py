# route: output that the *server* would have to hold
# ends: ok
# outside: nothing
# 100 KiB that JSON writes with six bytes each, twice; then what is no UTF-8 at all.
import sys

for stream in (sys.stdout, sys.stderr):
    stream.write("\x00\x1f" * (50 << 10))
for stream in (sys.stdout, sys.stderr):
    stream.buffer.write(b"\xff\xfe" * (1 << 20))
