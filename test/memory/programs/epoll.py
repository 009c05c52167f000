# route: `memfd_create`, System V and POSIX shared memory and queues
# ends: ok
# outside: 30 MiB
# Every epoll watches every event counter and timer: the product of two numbers, of
# which the limit of descriptors bounds only the sum.
watched = []
for _ in range(1_900):
    for fd in (call(NR["eventfd2"], 0, 0), call(NR["timerfd_create"], 1, 0)):
        if fd >= 0:
            watched.append(fd)
EPOLL_CTL_ADD = 1
event = memory((1).to_bytes(4, "little") + bytes(8))
watches = 0
for _ in range(60):
    epoll = call(NR["epoll_create1"], 0)
    if epoll < 0:
        break
    for fd in watched:
        watches += call(NR["epoll_ctl"], epoll, EPOLL_CTL_ADD, fd, event) == 0
print("watched", len(watched), watches)
