# Asks whether a process exists, and where it belongs, by the calls that nobody needs.
# contained by: outer, inner
table({
    "getpgid": call(121, @VICTIM@), "getsid": call(124, @VICTIM@), "sched_getscheduler": call(145, @VICTIM@), "sched_getparam": call(143, @VICTIM@, memory(bytes(4))),
    "sched_getattr": call(315, @VICTIM@, memory(bytes(48)), 48, 0), "ioprio_get": call(252, 1, @VICTIM@), "get_robust_list": call(274, @VICTIM@, memory(bytes(8)), memory(bytes(8))),
})
