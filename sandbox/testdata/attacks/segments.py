# Segments and thread pointers of its own choice.
# contained by: outer, inner
table({"modify_ldt": call(154, 0, memory(bytes(64)), 64), "arch_prctl get": call(158, 0x1003, memory(bytes(8))), "arch_prctl set": call(158, 0x1001, 0)})
