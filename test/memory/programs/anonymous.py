# route: anonymous memory, stacks, shared anonymous maps
# ends: memory_error
# outside: 600 MiB
blocks = []
while True:
    block = bytearray(8 << 20)
    for page in range(0, len(block), 4096):
        block[page] = 1
    blocks.append(block)
