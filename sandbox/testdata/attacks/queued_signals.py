# How many signals can be queued is counted by uid: a channel between runs.
# contained by: inner
# not by outer: a run's limit is 0 (RLIMIT_SIGPENDING), which only a run can set: its zygote has 64
# not on gVisor: it keeps no such limit; what is queued is counted by process there, 32 of a kind, and so is nobody else's to see
me = os.getpid()
call(14, 0, memory(b"\xff" * 8), 0, 8)  # rt_sigprocmask
results = [call(234, me, me, 36) for _ in range(4)]  # tgkill
report(0 in results, results)
os._exit(0)
