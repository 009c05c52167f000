# A pipe end whose owner is the victim, and whose signal is of our choice: kill in disguise.
# contained by: outer, inner
# seen from outside: victim
ends = memory(bytes(8))
made = call(293, ends, 0)  # pipe2
read, write = struct.unpack("ii", content(ends)) if made == 0 else (3, 3)  # in a jail: the control socket
owner, number = memory(struct.pack("ii", 1, @VICTIM@)), memory(struct.pack("i", @VICTIM@))
results = {
    "F_SETOWN": call(72, read, 8, @VICTIM@), "F_SETOWN_EX": call(72, read, 15, owner), "FIOSETOWN": reached(call(16, read, 0x8901, number)), "F_SETSIG": call(72, read, 10, @SIGNAL@),
    "F_SETFL": call(72, read, 4, 0o20000), "FIOASYNC": call(16, read, 0x5452, memory(struct.pack("i", 1))),
}
if made == 0:
    os.write(write, b"x")
table(results)
