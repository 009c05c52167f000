# Connects to an abstract socket, which no mode protects.
# contained by: outer, inner
# seen from outside: visitors
fd, name = call(41, 1, 1, 0), b"\0@ABSTRACT@"
table({"socket": fd, "connect": call(42, fd, memory(struct.pack("=H", 1) + name), 2 + len(name))})
