# Writes to every socket a message that the zygote may send to the server: a pong.
# contained by: inner
# not by outer: the zygote's socket is closed by the inner jail. A false report can end the zygote, or lie about runs of it, no more
# files allow: a pair of sockets of its own, which is what it finds
call(53, 1, 1, 0, memory(bytes(8)))  # outside: socketpair, or there is none
message, name = memory(struct.pack("<c7xQ", b"O", 0)), memory(bytes(16))
sockets = [fd for fd in range(4, 64) if call(51, fd, name, memory(struct.pack("i", 16))) == 0]  # getsockname
report(any([call(1, fd, message, 16) == 16 for fd in sockets]), sockets)  # write
