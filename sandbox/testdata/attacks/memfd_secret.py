# Memory that not even the kernel has mapped.
# contained by: outer, inner
# may be absent: not every kernel is built with it
table({"memfd_secret": call(447, 0)}, absent=["memfd_secret"])
