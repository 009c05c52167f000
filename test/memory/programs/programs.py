# route: more processes
# ends: ok
# outside: 100 MiB
# Other programs, with arguments of a MiB each.
argument = memory(b"x" * 100_000 + b"\0")
script = path("import time; time.sleep(3)")
table = bytearray()
for address in [path("python3"), path("-ISc"), script] + [argument] * 10 + [0]:
    table += address.to_bytes(8, "little")
arguments, program, nothing = memory(table), path("/usr/bin/python3"), memory(bytes(8))
for made in range(30):
    child = call(NR["fork"])
    if child == 0:
        call(NR["execve"], program, arguments, nothing)
        call(NR["exit_group"], 127)
    if child < 0:
        break
print("programs", made)
if child < 0:
    call(NR["execve"], program, arguments, nothing)
else:
    nap(2)
