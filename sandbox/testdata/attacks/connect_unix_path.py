# Connects to a socket in the file system that is everybody's.
# contained by: outer, inner
# seen from outside: visitors
fd, name = call(41, 1, 1, 0), b"@DOOR@"  # socket, AF_UNIX, SOCK_STREAM
table({"socket": fd, "connect": call(42, fd, memory(struct.pack("=H", 1) + name + b"\0"), 3 + len(name))})
