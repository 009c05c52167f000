# Reads the secret out of the server's memory.
# contained by: outer, inner
room = memory(bytes(@SIZE@))
local, remote = memory(struct.pack("QQ", room, @SIZE@)), memory(struct.pack("QQ", @SERVER_SECRET@, @SIZE@))
got = call(310, @SERVER@, local, 1, remote, 1, 0)  # process_vm_readv
if got == @SIZE@:
    print(content(room).decode())
report(got == @SIZE@, got)
