# Descriptors that hold kernel memory.
# contained by: outer, inner
# files allow: pipes, eventfd and epoll, up to RLIMIT_NOFILE
table({
    "eventfd": call(284, 0), "eventfd2": call(290, 0, 0), "epoll_create": call(213, 1), "epoll_create1": call(291, 0), "timerfd_create": call(283, 1, 0), "pipe": call(22, memory(bytes(8))),
    "pipe2": call(293, memory(bytes(8)), 0), "signalfd": call(282, -1, memory(bytes(8)), 8), "signalfd4": call(289, -1, memory(bytes(8)), 8, 0), "dup": call(32, 1),
})
