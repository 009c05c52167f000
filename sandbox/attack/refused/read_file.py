# Reads a file by every call that opens one.
# contained by: outer, inner
how = memory(struct.pack("QQQ", 0, 0, 0))
table({"open": call(@open@, path("@FILE@"), 0), "openat": call(@openat@, AT_FDCWD, path("@FILE@"), 0), "openat2": call(@openat2@, AT_FDCWD, path("@FILE@"), how, 24)})
