# route: a run that outlives its request, its zygote or the server
# ends: ok
# outside: 200 MiB
# Children of children, in sessions of their own, that hold memory when the run is over.
for made in range(60):
    child = call(NR["fork"])
    if child < 0:
        break
    if child == 0:
        call(NR["setsid"])
        if call(NR["fork"]) == 0:
            touch(map_anonymous(4 << 20), 4 << 20)
            nap(5)
        call(NR["exit_group"], 0)
print("children", made, child)
nap(2 if child > 0 else 0)
