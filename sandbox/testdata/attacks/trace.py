# Traces another process, or has itself traced.
# contained by: outer, inner
results = {who: call(101, request, pid, 0, 0) for who, request, pid in (("seize server", 0x4206, @SERVER@), ("seize victim", 0x4206, @VICTIM@))}
for pid in (@SERVER@, @VICTIM@):
    call(101, 17, pid, 0, 0)  # PTRACE_DETACH, which needs a stopped one: our end detaches too
results["traceme"] = call(101, 0, 0, 0, 0)
table(results)
