# The ports of the processor.
# contained by: outer, inner
# may be absent: a kernel may be built without them
table({"iopl": call(172, 0), "ioperm": call(173, 0x80, 1, 0)}, absent=["iopl", "ioperm"])
