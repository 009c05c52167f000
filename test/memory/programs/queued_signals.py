# route: queued signals and POSIX timers
# ends: ok
# outside: nothing
# A real-time signal that is blocked is kept, with what it says, for each time it is sent.
SIGRTMIN = 34
me = call(NR["getpid"])
call(NR["rt_sigprocmask"], 0, memory(b"\xff" * 8), 0, 8)
sent = 0
while sent < 200_000 and call(NR["tgkill"], me, me, SIGRTMIN) == 0:
    sent += 1
print("queued", sent, flush=True)
call(NR["exit_group"], 0)
