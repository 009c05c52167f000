# Slows another process down: priority, policy, processors, disk.
# contained by: outer, inner
# seen from outside: victim
table({
    "setpriority": call(141, 0, @VICTIM@, 5), "sched_setscheduler": call(144, @VICTIM@, 3, memory(bytes(4))), "sched_setparam": call(142, @VICTIM@, memory(bytes(4))),
    "sched_setaffinity": call(203, @VICTIM@, 8, memory(b"\1" + bytes(7))), "sched_setattr": call(314, @VICTIM@, memory(struct.pack("IIQiIQQQ", 48, 3, 0, 6, 0, 0, 0, 0)), 0),
    "ioprio_set": call(251, 1, @VICTIM@, 0x4004),
})
