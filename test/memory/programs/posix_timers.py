# route: queued signals and POSIX timers
# ends: ok
# outside: 20 MiB
# Each timer keeps a place for the signal that it may send.
event = memory(bytes(8) + (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(48))  # SIGEV_NONE
identity = memory(bytes(8))
made = 0
while made < 100_000 and call(NR["timer_create"], 1, event, identity) == 0:
    made += 1
print("timers", made)
