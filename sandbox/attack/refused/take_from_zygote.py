# Reads the memory of its parent, the zygote, traces it, takes a descriptor out of it
# and asks for its limits. Both have one uid, and their memory the same addresses.
# contained by: outer, inner
parent = os.getppid()
room, address = memory(bytes(8)), @SERVER_SECRET@ if parent == @SERVER@ else id(os)
local, remote = memory(struct.pack("QQ", room, 8)), memory(struct.pack("QQ", address, 8))
table({
    "process_vm_readv": call(@process_vm_readv@, parent, local, 1, remote, 1, 0), "ptrace": call(@ptrace@, 0x4206, parent, 0, 0), "pidfd_getfd": call(@pidfd_getfd@, call(@pidfd_open@, parent, 0), 0, 0),
    "kcmp": call(@kcmp@, parent, os.getpid(), 1, 0, 0), "prlimit64": call(@prlimit64@, parent, 7, 0, memory(bytes(16))),
})
