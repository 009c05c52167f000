# Programs in the kernel, and its counters.
# contained by: outer, inner
attributes = memory(struct.pack("IIQ", 1, 128, 0) + bytes(112))
table({"bpf": call(321, 0, memory(struct.pack("IIII", 2, 4, 4, 1) + bytes(100)), 72), "perf_event_open": call(298, attributes, 0, -1, -1, 0)})
