# Asks whether a process exists, by calls that only read.
# contained by: outer, inner
# outer relies on: namespace_pid
table({"getpriority": call(140, 0, @VICTIM@), "sched_getaffinity": call(204, @VICTIM@, 128, memory(bytes(128)))})
