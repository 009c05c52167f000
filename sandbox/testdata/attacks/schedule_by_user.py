# Slows down all processes of a user, or of a group.
# contained by: outer, inner
table({"setpriority of a user": reached(call(141, 2, 54321, 0)), "of a group": call(141, 1, 0, 0), "ioprio_set of a user": reached(call(251, 3, 54321, 0x4004))})
