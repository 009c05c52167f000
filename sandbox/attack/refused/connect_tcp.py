# Connects to a server by TCP.
# contained by: outer, inner
# seen from outside: visitors
fd = call(@socket@, 2, 1, 0)  # AF_INET, SOCK_STREAM
address = memory(struct.pack("=H", 2) + struct.pack(">H", @TCP@) + bytes([127, 0, 0, 1]) + bytes(8))
table({"socket": fd, "connect": call(@connect@, fd, address, 16)})
