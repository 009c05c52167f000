# Reads how much processor time a process has used, and waits for it: a negative clock
# names a process by its pid. Who burns time at will can talk to who reads it.
# contained by: outer, inner
clock = (~@VICTIM@ << 3) | 2  # MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED), linux/posix-timers_types.h
table({
    "clock_gettime": call(228, clock, memory(bytes(16))),
    "clock_getres": call(229, clock, memory(bytes(16))),
    "clock_nanosleep": call(230, clock, 1, memory(bytes(16)), 0),
})
