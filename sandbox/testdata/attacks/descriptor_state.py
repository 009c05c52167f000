# State that an open file description keeps for all who hold it.
# contained by: outer, inner
# files allow: state of its own pipes, which nobody else holds, and copies of descriptors
results = {"%s of %d" % (name, fd): call(72, fd, 4, flags) for name, flags in (("O_NONBLOCK", 0o4000), ("O_APPEND", 0o2000)) for fd in (0, 1)}  # fcntl, F_SETFL
one = memory(struct.pack("i", 0))
table(results | {"FIONBIO": call(16, 1, 0x5421, one), "F_SETPIPE_SZ": call(72, 1, 1031, 4096), "F_DUPFD": call(72, 1, 0, 20), "F_GETOWN": call(72, 1, 9), "F_GETPIPE_SZ": call(72, 1, 1032)})
