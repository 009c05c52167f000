# Writes to another process's memory.
# contained by: outer, inner
# seen from outside: victim
text = memory(b"x" * @SIZE@)
local, remote = memory(struct.pack("QQ", text, @SIZE@)), memory(struct.pack("QQ", @VICTIM_SECRET@, @SIZE@))
report(call(311, @VICTIM@, local, 1, remote, 1, 0) == @SIZE@)  # process_vm_writev
