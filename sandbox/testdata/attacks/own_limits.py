# Gives itself more than its limits: a higher hard limit of open files.
# contained by: outer, inner
# may be absent: root of a container may lack CAP_SYS_RESOURCE, without which nobody can
now, held = memory(bytes(16)), memory(bytes(24))
if call(125, memory(struct.pack("II", 0x20080522, 0)), held) == 0 and not content(held)[3] & 1:  # capget: bit 24
    print("ABSENT CAP_SYS_RESOURCE")
else:
    call(302, 0, 7, 0, now)  # prlimit64, RLIMIT_NOFILE
    more = memory(struct.pack("QQ", 16, (struct.unpack("QQ", content(now))[1] or 16) + 1))
    table({"prlimit64": call(302, 0, 7, more, 0), "setrlimit": call(160, 7, more)})
