# Refused arguments whose halves are the numbers of other calls, and whose other
# arguments the rules of those would allow: a filter that loses the call's number
# while it looks at arguments lets them through.
# contained by: outer, inner
results = {}
for number in (1, 9, 25, 28, 62, 72, 202, 234):
    results["FUTEX_LOCK_PI %d" % number] = call(202, memory(bytes(4)), 6 | number << 32, 4, 0)  # the kernel takes the lower half
    results["F_SETOWN %d" % number] = call(72, 1, 8 | number << 32, 0)
    results["clone %d" % number] = forked(call(56, 17 | number << 32, 0, 0, 0, 0))
table(results)
