# What makes memory without address space: memfd, eventfd, epoll, timerfd, inotify, io_uring, userfaultfd, bpf, perf, keys, shm.
name = memory(b"x\0")
results = {
    "memfd_create": call(319, name, 0), "eventfd2": call(290, 0, 0), "epoll_create1": call(291, 0), "timerfd_create": call(283, 1, 0),
    "inotify_init1": call(294, 0), "io_uring_setup": call(425, 8, memory(bytes(120))), "userfaultfd": call(323, 1),
    "shmget": call(29, 0, 1 << 20, 0o1600), "socketpair": call(53, 1, 1, 0, memory(bytes(8))), "pipe2": call(293, memory(bytes(8)), 0),
    "add_key": call(248, memory(b"user\0"), name, name, 1, -3), "msgget": call(68, 0, 0o1600), "timer_create": call(222, 1, 0, memory(bytes(8))),
    "dup": call(32, 1), "signalfd4": call(289, -1, memory(bytes(8)), 8, 0), "mq_open": call(240, name, 0o102, 0o600, 0),
}
report(any(r >= 0 for r in results.values()), {k: v for k, v in results.items() if v >= 0} or "all refused")
