# route: anonymous memory, stacks, shared anonymous maps
# ends: ok, memory_error
# outside: 350 MiB
# Hundreds of MiB in one operation of the interpreter.
try:
    large = 1 << (3 << 30)
    copy = large + 1
except MemoryError:
    pass
text = "x" * (128 << 20)
print(len(text * 3))
