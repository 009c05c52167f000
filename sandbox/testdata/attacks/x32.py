# Calls the kernel by x32's numbers.
# contained by: outer, inner
# may be absent: few kernels are built with x32
table({"getppid": call(0x40000000 | 110)}, absent=["getppid"])
