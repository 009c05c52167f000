# Has the kernel take the memory of a process that is being killed.
# contained by: outer, inner
# may be absent: it came with Linux 5.15
fd = call(434, @VICTIM@, 0)  # pidfd_open
result = call(448, fd, 0)  # process_mrelease: EINVAL, because the victim lives
table({"process_mrelease": reached(result)}, absent=["process_mrelease"])
