# A refused argument whose upper half is the number of another call, and whose
# other arguments that call's rule allows: a map at 72 << 32 of 1 byte, as if it
# were fcntl(..., F_GETFD).
MMAP, FCNTL, F_GETFD = 9, 72, 1
page = call(MMAP, FCNTL << 32, F_GETFD, 3, 0x22, -1, 0)
report(page > 0, page)
