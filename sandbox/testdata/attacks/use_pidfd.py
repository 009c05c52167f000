# Takes a descriptor out of another process, signals it, and advises its memory, each by its pidfd.
# contained by: outer, inner
# seen from outside: victim
fd = call(434, @VICTIM@, 0)  # pidfd_open
results = {"pidfd_getfd": call(438, fd, 0, 0), "process_madvise": call(440, fd, memory(struct.pack("QQ", 0, 0)), 1, 20, 0), "setns": reached(call(308, fd, 0))}
results["pidfd_send_signal"] = call(424, fd, @SIGNAL@, 0, 0)
table(results)
