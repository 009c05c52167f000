# route: output that the *server* would have to hold
# ends: ok
# outside: nothing
import sys

# 512 MiB through one pipe, and control characters, six bytes each in JSON, through
# the other.
line = "x" * (1 << 20) + "\n"
noise = "\x01" * (1 << 16)
for _ in range(512):
    sys.stdout.write(line)
    sys.stderr.write(noise)
