# route: growth of the zygote
# ends: ok, failed
# outside: 40 MiB
# Into the parent's memory, by every way that there is; without a jail there is a child.
child = call(NR["fork"])
parent = call(NR["getppid"])
if child == 0:
    touch(map_anonymous(64 << 20), 64 << 20)
    nap(1)
    call(NR["exit_group"], 0)
nap(1 if child > 0 else 0)
target = child if child > 0 else parent
text = memory(bytes(4096))
vector = memory(text.to_bytes(8, "little") + (4096).to_bytes(8, "little"))
print(call(NR["process_vm_writev"], target, vector, 1, vector, 1, 0))
print(call(NR["ptrace"], 16, target, 0, 0))
print(call(NR["open"], path(f"/proc/{target}/mem"), 2))
print(call(NR["prlimit64"], target, 9, memory(b"\xff" * 16), 0))
