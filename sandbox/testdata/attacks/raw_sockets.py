# Sockets below TCP and UDP.
# contained by: outer, inner
table({"AF_PACKET": call(41, 17, 3, 0x0300), "SOCK_RAW": call(41, 2, 3, 1), "SOCK_RAW 6": call(41, 10, 3, 58), "SOCK_DGRAM icmp": call(41, 16, 2, 9)})
