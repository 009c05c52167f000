# Asks the kernel about the network, by netlink.
# contained by: outer, inner
fd = call(41, 16, 3, 0)  # AF_NETLINK, SOCK_RAW, NETLINK_ROUTE
table({"socket": fd, "bind": call(49, fd, memory(struct.pack("=HHII", 16, 0, 0, 0)), 12), "send": call(44, fd, memory(struct.pack("=IHHIIBxxx", 20, 18, 0x301, 1, 0, 0)), 20, 0, 0, 0)})
