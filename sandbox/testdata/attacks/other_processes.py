limits = memory(bytes(16))
results = {
    "prlimit64": call(302, @PID@, 7, 0, limits), "setpriority": call(141, 0, @PID@, 0), "sched_setaffinity": call(203, @PID@, 8, memory(b"\xff" * 8)),
    "sched_setscheduler": call(144, @PID@, 0, memory(bytes(4))),
}
report(any(r >= 0 for r in results.values()), results)
