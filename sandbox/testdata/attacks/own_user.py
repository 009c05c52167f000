# Is root.
# contained by: outer
# not by inner: to become somebody else takes a privilege, which launch gives up with it
report(call(107) == 0 or call(102) == 0)  # geteuid, getuid
