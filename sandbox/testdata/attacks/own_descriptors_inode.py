# Leaves a mark on what is behind standard input: a device, were it one, is everybody's.
# contained by: outer, inner
# files allow: a lock on its own pipe
table({
    "futimens": call(280, 0, 0, 0, 0), "fchmod": call(91, 0, 0o666), "fchown": call(93, 0, -1, -1), "flock": call(73, 0, 1), "flist": call(196, 0, 0, 0),
    "F_SETLK": call(72, 0, 6, memory(struct.pack("hhqqi", 0, 0, 0, 0, 0) + bytes(4))), "F_OFD_SETLK": call(72, 0, 37, memory(struct.pack("hhqqi", 0, 0, 0, 0, 0) + bytes(4))),
})
