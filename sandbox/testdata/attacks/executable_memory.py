# A page that can be written to and executed, at once or one after the other.
# contained by: outer, inner
page, other = call(9, 0, 4096, 7, 0x22, -1, 0), call(9, 0, 4096, 3, 0x22, -1, 0)
table({"mmap": page, "mprotect": call(10, other, 4096, 5)}) if other > 0 else report(False, other)
