# route: more processes
# ends: ok
# outside: 300 MiB
# fork by its newer names: clone3 keeps its arguments where no filter can read them, and
# clone has a shape here that no C library gives it.
SIGCHLD = 17
arguments = memory(bytes(32) + SIGCHLD.to_bytes(8, "little") + bytes(24))
for made in range(100):
    child = call(NR["clone3"], arguments, 64)
    if child < 0:
        child = call(NR["clone"], SIGCHLD)
    if child < 0:
        break
    if child == 0:
        touch(map_anonymous(4 << 20), 4 << 20)
        nap(3)
        call(NR["exit_group"], 0)
print("children", made)
nap(1 if child > 0 else 0)
