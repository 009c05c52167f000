# route: page cache of files that were read
# ends: ok
# outside: 60 MiB
# Reading charges the page cache, and so do names that are not there: the kernel
# remembers each.
LOOKED_UP = 400_000
name = bytearray(b"/usr/lib/000000" + b"x" * 100 + b"\0")
address = memory(name)
view = _kept[-1][0]
for i in range(LOOKED_UP):
    view[9:15] = b"%06d" % i
    if call(NR["access"], address, 0) != -2:
        break
file = call(NR["open"], path("/usr/bin/python3"), 0)
while file >= 0 and call(NR["read"], file, address, 64) > 0:
    pass
print("names", i)
