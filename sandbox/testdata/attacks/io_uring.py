# Calls that no filter sees, made by a ring.
# contained by: outer, inner
# may be absent: io_uring may be switched off
table({"io_uring_setup": call(425, 8, memory(bytes(120)))}, absent=["io_uring_setup"])
