# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 40 MiB
# What happens to files waits, for each who asked to be told, until it is read.
IN_OPEN_AND_CLOSE = 0x38
told = [fd for fd in (call(NR["inotify_init1"], 0) for _ in range(50)) if fd >= 0]
for fd in told:
    call(NR["inotify_add_watch"], fd, path("/usr/bin"), IN_OPEN_AND_CLOSE)
interpreter = path("/usr/bin/python3") # there in every image; opened and closed is told as two events
for i in range(8_000 if told else 1):
    fd = call(NR["open"], interpreter, 0)
    if fd < 0:
        break
    call(NR["close"], fd)
print("told", len(told), i)
