# Reads a file by every call that opens one.
# contained by: outer, inner
how = memory(struct.pack("QQQ", 0, 0, 0))
table({"open": call(2, path("/etc/passwd"), 0), "openat": call(257, AT_FDCWD, path("/etc/passwd"), 0), "openat2": call(437, AT_FDCWD, path("/etc/passwd"), how, 24)})
