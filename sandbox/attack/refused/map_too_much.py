# Maps as much memory as a program may have, beside what the interpreter has mapped.
# contained by: inner
# not by outer: each run limits its own address space
mapped = 0
while mapped < @MEMORY@ and call(@mmap@, 0, 1 << 20, 3, 0x22, -1, 0) > 0:  # PROT_READ|WRITE, MAP_PRIVATE|ANONYMOUS
    mapped += 1
report(mapped == @MEMORY@, "there was room for %d of @MEMORY@ MiB" % mapped)
