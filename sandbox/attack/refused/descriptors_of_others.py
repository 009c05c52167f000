# Finds descriptors that are not its own: those of the zygote, and of other runs.
# contained by: inner
# not by outer: a run closes what it has of its zygote, after the fork
found = [fd for fd in list(range(4, 1024)) if call(@fcntl@, fd, 1) >= 0]  # F_GETFD
if call(@getpid@) == os.getpid() and not found and os.environ.get("@NAME@") and os.getppid() == @SERVER@:
    found = [call(@dup@, 1)]  # outside there is none to find: one of our own shows that it would be found
report(bool(found), "there is %s" % (found or "none"))
