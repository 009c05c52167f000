# Connects to a server by TCP.
# contained by: outer, inner
# seen from outside: visitors
fd = call(41, 2, 1, 0)  # socket, AF_INET, SOCK_STREAM
address = memory(struct.pack("=H", 2) + struct.pack(">H", @TCP@) + bytes([127, 0, 0, 1]) + bytes(8))
table({"socket": fd, "connect": call(42, fd, address, 16)})
