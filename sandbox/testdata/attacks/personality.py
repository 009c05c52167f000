# Changes how the kernel treats a process: addresses that are not random, pages that are executable.
# contained by: outer, inner
before = call(135, 0xFFFFFFFF)
table({"asked": before, "ADDR_NO_RANDOMIZE|READ_IMPLIES_EXEC": call(135, 0x0440000)})
