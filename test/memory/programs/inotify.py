# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 40 MiB
# What happens to files waits, for each who asked to be told, until it is read.
IN_OPEN_AND_CLOSE = 0x38
told = [fd for fd in (call(NR["inotify_init1"], 0) for _ in range(50)) if fd >= 0]
for fd in told:
    call(NR["inotify_add_watch"], fd, path("/usr/bin"), IN_OPEN_AND_CLOSE)
names = [path("/usr/bin/ls"), path("/usr/bin/cat")]
for i in range(8_000 if told else 1):
    fd = call(NR["open"], names[i % 2], 0)
    if fd < 0:
        break
    call(NR["close"], fd)
print("told", len(told), i)
