# route: more processes
# ends: ok
# outside: 300 MiB
# Each process has its own limit of address space.
SIGCHLD = 17
for made in range(100):
    child = call(NR["fork"])
    if child < 0:
        break
    if child == 0:
        touch(map_anonymous(4 << 20), 4 << 20)
        nap(3)
        call(NR["exit_group"], 0)
print("children", made)
nap(1 if child > 0 else 0)
