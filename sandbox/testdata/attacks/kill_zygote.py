# Signals the zygote, as every run's parent. With a signal that it ignores: it must not end.
# contained by: inner
# not by outer: no filter can tell a pid that is not known yet, and a process must be able to signal itself
table({"kill": call(62, os.getppid(), 17), "tgkill": call(234, os.getppid(), os.getppid(), 17)})  # SIGCHLD
