# Sends descriptors over its control socket, to whoever reads them.
# contained by: inner
# not by outer: the zygote sends the server a descriptor for each run. The server takes none from a run
room = memory(struct.pack("QQ", memory(b"x"), 1))
rights = memory(struct.pack("QiiI4x", 20, 1, 1, 1))
header = memory(struct.pack("QI4xQQQQi4x", 0, 0, room, 1, rights, 24, 0))
fd = 3
ends = memory(bytes(8))
if call(53, 1, 1, 0, ends) == 0:  # outside: socketpair
    fd, _ = struct.unpack("ii", content(ends))
report(call(46, fd, header, 0x4000) == 1)  # sendmsg, MSG_NOSIGNAL
