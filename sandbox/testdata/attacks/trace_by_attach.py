# Attaches to another process, and leaves it stopped.
# contained by: outer, inner
# seen from outside: victim
result = call(101, 16, @VICTIM@, 0, 0)  # PTRACE_ATTACH
if result == 0:
    call(61, @VICTIM@, 0, 0x40000000, 0)  # wait4, __WALL
    result = call(101, 17, @VICTIM@, 0, 19)  # PTRACE_DETACH, with SIGSTOP
report(result == 0, result)
