# Reads how much memory and load the machine has.
# contained by: inner
# not by outer: the C library sizes its sorting buffers by it. It says how busy the machine is, not what with
report(call(99, memory(bytes(128))) == 0)  # sysinfo
