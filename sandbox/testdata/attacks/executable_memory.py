page = call(9, 0, 4096, 7, 0x22, -1, 0)
other = call(9, 0, 4096, 3, 0x22, -1, 0)
changed = call(10, other, 4096, 5)  # mprotect r-x
report(page > 0 or changed == 0, (page, changed))
