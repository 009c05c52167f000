# route: `mlock`
# ends: ok, memory_error
# outside: nothing
# Pages that are there from the beginning and never go.
FUTURE = 2
print(call(NR["mlockall"], FUTURE))
start = map_anonymous(400 << 20)
locked = 0
while locked < 400 and call(NR["mlock2"], start + (locked << 20), 1 << 20, 0) == 0:
    locked += 1
print("locked", locked)
print(call(NR["mmap"], 0, 4 << 20, READ_WRITE, PRIVATE | LOCKED, -1, 0))
