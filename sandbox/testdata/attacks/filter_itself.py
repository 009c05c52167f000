# Installs a filter of seccomp of its own: nothing is gained, but kernel memory is held.
# contained by: inner
# not by outer: it is how a run installs the inner filter. A filter can only take away
program = memory(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
report(call(317, 1, 0, memory(struct.pack("=H6xQ", 1, program))) == 0)
