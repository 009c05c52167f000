# Takes the ids, groups and capabilities of somebody else.
# contained by: outer, inner
header = memory(struct.pack("II", 0x20080522, 0))
held = memory(bytes(24))
results = {"capget": call(125, header, held), "setgroups": call(116, 0, 0), "setgid": call(106, 0), "setresgid": call(119, 0, 0, 0), "setfsgid": call(123, 0) and 0}
results |= {"capset": call(126, header, held), "setuid": call(105, 0), "setreuid": call(113, 0, 0), "setresuid": call(117, 0, 0, 0)}
table({name: result for name, result in results.items() if name != "setfsgid"})
