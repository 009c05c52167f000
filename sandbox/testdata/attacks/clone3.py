# Makes a process by the call whose arguments no filter can read.
# contained by: outer, inner
report(forked(call(435, memory(struct.pack("11Q", 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0)), 88)) > 0)
