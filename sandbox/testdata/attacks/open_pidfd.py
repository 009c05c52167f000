# Opens a descriptor for another process, which says when it ends.
# contained by: outer, inner
# outer relies on: namespace_pid
table({"server": call(434, @SERVER@, 0), "victim": call(434, @VICTIM@, 0)})  # pidfd_open
