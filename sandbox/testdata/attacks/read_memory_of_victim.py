# Reads the secret out of the victim's memory.
# contained by: outer, inner
room = memory(bytes(@SIZE@))
local, remote = memory(struct.pack("QQ", room, @SIZE@)), memory(struct.pack("QQ", @VICTIM_SECRET@, @SIZE@))
got = call(310, @VICTIM@, local, 1, remote, 1, 0)  # process_vm_readv
if got == @SIZE@:
    print(content(room).decode())
report(got == @SIZE@, got)
