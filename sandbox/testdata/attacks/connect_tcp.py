fd = call(41, 2, 1, 0)  # socket, AF_INET, SOCK_STREAM
address = memory(struct.pack("=H", 2) + struct.pack(">H", @PORT@) + bytes([127, 0, 0, 1]) + bytes(8))
result = call(42, fd, address, 16) if fd >= 0 else fd
report(result == 0, result)
