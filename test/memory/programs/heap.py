# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
# The program break, raised by hand, and then the rest by the interpreter's allocator.
end = call(NR["brk"], 0)
while call(NR["brk"], end + (4 << 20)) == end + (4 << 20):
    touch(end, 4 << 20)
    end += 4 << 20
held = []
while True:
    held.append(b"x" * 4000)
