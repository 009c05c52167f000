# Reads the secret out of the server's memory.
# contained by: outer, inner
room = memory(bytes(@SIZE@))
local, remote = memory(struct.pack("QQ", room, @SIZE@)), memory(struct.pack("QQ", @SERVER_SECRET@, @SIZE@))
got = call(@process_vm_readv@, @SERVER@, local, 1, remote, 1, 0)
if got == @SIZE@:
    print(content(room).decode())
table({"process_vm_readv": got})
