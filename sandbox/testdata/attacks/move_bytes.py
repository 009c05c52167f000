# Moves bytes between descriptors behind the memory of a process; vmsplice pins its pages.
# contained by: outer, inner
# files allow: sendfile, copy_file_range, readv and writev, which copy
ends = memory(bytes(8))
call(293, ends, 0)  # pipe2
read, write = struct.unpack("ii", content(ends))
piece = memory(struct.pack("QQ", memory(b"x"), 1))
results = {"vmsplice": call(278, write, piece, 1, 0), "tee": call(276, read, write, 0, 2), "splice": reached(call(275, read, 0, write, 0, 1, 2))}
results |= {"sendfile": reached(call(40, write, 0, 0, 1)), "copy_file_range": reached(call(326, read, 0, write, 0, 1, 0)), "writev": call(20, write, piece, 1), "readv": call(19, read, piece, 1)}
table(results)
