# Makes a process by the one shape of clone that the zygote needs.
# contained by: inner
# not by outer: the zygote forks its runs by this very call. How many there may be is limited, and all die with the zygote
report(forked(call(56, 0x01200011, 0, 0, 0, 0)) > 0)  # CLONE_CHILD_SETTID|CLONE_CHILD_CLEARTID|SIGCHLD
