# route: a run that outlives its request, its zygote or the server
# ends: timeout
# outside: 300 MiB
# 400 MiB that are held to the end, by a program that hears nothing: its memory must be
# back before another's is given out.
for signal in range(1, 65):
    call(NR["rt_sigaction"], signal, memory((1).to_bytes(8, "little") + bytes(24)), 0, 8)
start = map_anonymous(400 << 20)
touch(start, 400 << 20)
call(NR["setsid"])
while True:
    pass
