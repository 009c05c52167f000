# Sends a datagram.
# contained by: outer, inner
# seen from outside: visitors
fd = call(41, 2, 2, 0)  # socket, AF_INET, SOCK_DGRAM
address = memory(struct.pack("=H", 2) + struct.pack(">H", @UDP@) + bytes([127, 0, 0, 1]) + bytes(8))
table({"socket": fd, "sendto": call(44, fd, memory(b"hello"), 5, 0, address, 16)})
