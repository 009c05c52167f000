# Opens doors of its own.
# contained by: outer, inner
# files allow: a pair of sockets that are connected to one another
tcp, unix = call(41, 2, 1, 0), call(41, 1, 1, 0)
name = b"\0codecell-attack-%d" % os.getpid()
results = {
    "bind tcp": call(49, tcp, memory(struct.pack("=H", 2) + bytes(14)), 16), "listen tcp": call(50, tcp, 1),
    "bind unix": call(49, unix, memory(struct.pack("=H", 1) + name), 2 + len(name)), "listen unix": call(50, unix, 1), "socketpair": call(53, 1, 1, 0, memory(bytes(8))),
}
table(results)
